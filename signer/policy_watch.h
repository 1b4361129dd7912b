// Notices that policy.yaml was changed.
#ifndef KEYWARD_SIGNER_POLICY_WATCH_H_
#define KEYWARD_SIGNER_POLICY_WATCH_H_

#include <sys/stat.h>

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "signer/policy_holder.h"

namespace keyward::signer {

// What became of a changed file.
struct PolicyReload {
  // OK: the new policy is in use. Else the mistakes, one a line, or why the file cannot
  // be read or others than its owner can write it; the old policy stays in use.
  absl::Status status;
  // Of the policy in use before.
  std::string old_sha256;
  // Of the file that was read; empty where it was not.
  std::string new_sha256;
};

// Not thread-safe.
class PolicyWatch {
 public:
  // `holder`, which outlives this, has the policy that was read from `file` last. `tell`
  // is called by Poll(), after the policy is in use.
  PolicyWatch(std::string file, PolicyHolder& holder,
              std::function<void(const PolicyReload&)> tell);

  // Reads the file where it is another one than before or was written to, and puts a
  // policy without mistakes in place of the one in use. Only what two calls in a row have
  // read counts, so that nobody's half-written file does, and only other contents than
  // those in use: a file that is touched is no news. What is wrong is told once. A file
  // that had mistakes and is again the one in use is told as a success with the same
  // digest twice. Called once in a second or so.
  void Poll();

 private:
  // What tells two states of a file apart without reading it.
  struct Stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    timespec modified;
    timespec changed;

    bool operator==(const Stamp& other) const;
  };

  std::optional<Stamp> StampOfFile() const;
  absl::StatusOr<std::string> Read() const;
  void TakeUp(const absl::StatusOr<std::string>& yaml);

  const std::string file_;
  PolicyHolder& holder_;
  const std::function<void(const PolicyReload&)> tell_;
  // Of the last reading, and what it found: a digest, or why there is none.
  std::optional<Stamp> stamp_;
  std::string found_;
  // Whether what was found has been dealt with.
  bool settled_ = false;
  // Whether the last that was told were mistakes.
  bool told_mistakes_ = false;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_POLICY_WATCH_H_
