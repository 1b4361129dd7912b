// A client with a valid certificate and bad intentions, in a process of its own.
#ifndef KEYWARD_TESTS_BENCH_ATTACKER_H_
#define KEYWARD_TESTS_BENCH_ATTACKER_H_

#include <memory>
#include <string>

#include "tests/testing/subprocess.h"

namespace keyward::bench {

struct Attack {
  // What it is called in the table.
  const char* title;
  // What the attacker's process is told to do: "malformed", "metadata", "connections" or
  // "valid".
  const char* kind;
  // As whom of the PKI.
  const char* client;
};

// What an attacker has done from Start() to Stop().
struct AttackFigures {
  // Calls that were answered; of "connections", frames sent.
  double per_second = 0;
  // Calls that were signed.
  double signatures_per_second = 0;
};

// Attacks from its construction on, and is killed by its destructor.
//
// It is a process of its own with nice 19: on a machine with few cores the CPU that the
// attacker itself needs would otherwise be most of what the good caller feels, and an
// attacker mostly has a machine of its own.
class Attacker {
 public:
  // Of the signer at `address` with the PKI in `pki` (scripts/dev-pki). Ends this process
  // where the attack does not begin.
  Attacker(const Attack& attack, const std::string& address, const std::string& pki);

  // Ends the attack; to be called once.
  AttackFigures Stop();

 private:
  std::unique_ptr<testing::Daemon> process_;
};

// The whole life of the attacker's process, whose arguments Attacker makes. Returns what
// main() is to return; -1 where this process is none.
int RunAsAttacker(int argc, char** argv);

}  // namespace keyward::bench

#endif  // KEYWARD_TESTS_BENCH_ATTACKER_H_
