// A real keyward-signer on a token, a registry and a PKI of a test's own.
#ifndef KEYWARD_TESTS_TESTING_SIGNER_PROCESS_H_
#define KEYWARD_TESTS_TESTING_SIGNER_PROCESS_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/testing/softhsm.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/temp_dir.h"

namespace keyward::testing {

inline constexpr char kSignerToken[] = "keyward-e2e";

// Allows the PKI's operator everything and its backend to sign for "acme".
extern const char kDefaultPolicy[];

// What a start needs, laid out in a directory; every file may be changed before
// Start().
class SignerProcess {
 public:
  // Makes the token, the PKI (scripts/dev-pki), signer.yaml and policy.yaml. Aborts
  // the test where that fails.
  SignerProcess();
  ~SignerProcess();

  // The directory, and a file in it: "signer.yaml", "audit.jsonl", "pki/ca.pem".
  const std::string& dir() const { return dir_.path(); }
  std::string File(absl::string_view name) const { return dir_.File(name); }

  // Replaces a file's text; WriteConfig() is the signer.yaml that Start() reads.
  void Write(absl::string_view name, absl::string_view text) const;
  // signer.yaml as the constructor wrote it, for a test to change.
  std::string DefaultConfig() const;

  // Starts the daemon with `environment` on top of the token's, and waits until it
  // serves or has ended. Returns whether it serves.
  bool Start(const Environment& environment = {});
  // SIGTERM, and its exit code.
  int Stop();

  // Runs `keyward-signer --config signer.yaml ARGUMENT` to its end.
  Finished RunToEnd(const std::vector<std::string>& arguments = {},
                    const Environment& environment = {}) const;

  // Runs `keyward` as one of the PKI's clients: "operator" or "backend".
  Finished Keyward(const std::vector<std::string>& arguments,
                   const std::string& client = "operator") const;

  // "127.0.0.1:PORT" once it serves.
  const std::string& address() const { return address_; }
  Daemon& daemon() { return *daemon_; }
  const Daemon& daemon() const { return *daemon_; }
  const SoftHsm& softhsm() const { return softhsm_; }

 private:
  SoftHsm softhsm_;
  TempDir dir_;
  std::unique_ptr<Daemon> daemon_;
  std::string address_;
};

// Replaces `from`, which must be in `text`, by `to`.
std::string Replaced(std::string text, absl::string_view from, absl::string_view to);

// The path of a binary that this build made, such as "keyward".
std::string Binary(absl::string_view name);

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_TESTING_SIGNER_PROCESS_H_
