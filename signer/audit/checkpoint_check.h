// Whether the audit key vouches for what the log says.
#ifndef KEYWARD_SIGNER_AUDIT_CHECKPOINT_CHECK_H_
#define KEYWARD_SIGNER_AUDIT_CHECKPOINT_CHECK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "signer/audit/audit_line.h"
#include "signer/audit/audit_verifier.h"
#include "signer/audit/chain.h"
#include "signer/audit/checkpoint_keys.h"
#include "signer/audit/finding_list.h"
#include "signer/audit/line_hasher.h"

namespace keyward::signer {

// Reads the member `checkpoint` of a whole line. The error says what it lacks.
absl::StatusOr<Checkpoint> ParseCheckpoint(absl::string_view line);

// Gets the records of the log in their order, all of them. Not thread-safe.
class CheckpointCheck {
 public:
  // What is referred to outlives this.
  CheckpointCheck(FindingList& findings, const CheckpointKeys& keys, const VerifyOptions& options)
      : findings_(findings), keys_(keys), options_(options) {}

  void AddRecord(absl::string_view line, const LineStart& start, const HexDigest& sha256,
                 const Place& place);

  // The next record is the first of a file: the one before should have closed its own.
  void BeginFile();

  // No more records; `last` is the last one.
  void Finish(const VerifyReport::Record& last);

  // Checkpoints that hold.
  uint64_t count() const { return count_; }
  const std::optional<VerifyReport::Record>& vouched() const { return vouched_; }

 private:
  struct Slot {
    uint64_t sequence = 0;
    HexDigest sha256;
  };
  enum class End : uint8_t { kNone, kRecord, kCheckpoint, kLeftOut };

  void Remember(uint64_t sequence, const HexDigest& sha256);
  const Slot* Recall(uint64_t sequence) const;
  // Whether it holds; tells why not.
  bool Holds(const Checkpoint& checkpoint, const Place& place);
  bool VouchesForItsRecord(const Checkpoint& checkpoint, const Place& place);
  void CheckTime(const Checkpoint& checkpoint, const CheckpointKeys::Key& key, absl::Time time,
                 const Place& place);

  FindingList& findings_;
  const CheckpointKeys& keys_;
  const VerifyOptions& options_;
  // The last records, each at its number modulo kSlots.
  std::vector<Slot> slots_;
  uint64_t first_sequence_ = 0;
  // What the first record says of the one before it.
  std::string before_first_;
  Place last_place_;
  End last_record_ = End::kNone;
  uint64_t count_ = 0;
  std::optional<VerifyReport::Record> vouched_;
  // Of the first record, other than a checkpoint, since the last one that holds.
  std::string waiting_since_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_CHECKPOINT_CHECK_H_
