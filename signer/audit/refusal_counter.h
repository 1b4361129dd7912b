// Keeps one identity's refusals from filling the disk.
#ifndef KEYWARD_SIGNER_AUDIT_REFUSAL_COUNTER_H_
#define KEYWARD_SIGNER_AUDIT_REFUSAL_COUNTER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "signer/audit_record.h"

namespace keyward::signer {

// `reason` of a record that counts refusals of several kinds.
inline constexpr char kVariousReason[] = "VARIOUS";
// `method` of such a record, where they were of several methods.
inline constexpr char kVariousMethod[] = "Various";

// Says which refusals are written one by one and which are counted. Refusals are of one
// kind where identity, method, connection and reason are equal. An identity's first
// refusal begins a second; in that second
//   - the first of each kind is written at once, of ten kinds at most;
//   - the others of those kinds are counted, and written as one record a kind when the
//     second is over: with the first's time, `last_time`, and `count` where there are
//     several; without what may differ between them, such as the claims;
//   - all others are counted into one record with kVariousReason.
// Every refusal is in exactly one record. So an identity has 21 records a second at most.
// Where very many identities are refused in the same second, what is beyond is counted
// together, in a record without an identity. Memory is bounded.
//
// For one thread at a time. `now` never goes backwards.
class RefusalCounter {
 public:
  using Clock = std::chrono::steady_clock;

  // Identities, and kinds of all of them together, that are kept apart.
  static constexpr size_t kMaxIdentities = 4096;
  static constexpr size_t kMaxKinds = 8192;
  static constexpr size_t kKindsOfIdentity = 10;
  static constexpr Clock::duration kWindow = std::chrono::seconds(1);

  // The record, to be written at once, or nothing where it was counted.
  std::optional<AuditRecord> Add(AuditRecord record, Clock::time_point now);

  // The records of those seconds that are over at `now`.
  std::vector<AuditRecord> TakeDue(Clock::time_point now);
  // Of all, at the end.
  std::vector<AuditRecord> TakeAll();

  // When TakeDue() will have something to do; nothing where nothing is remembered.
  std::optional<Clock::time_point> next_due() const;

 private:
  struct Kind {
    std::string method;
    std::string connection;
    std::string reason;
    std::string role;
    // Of those that are not written yet.
    uint64_t count = 0;
    absl::Time first;
    absl::Time last;
  };
  struct Window {
    Clock::time_point end;
    std::vector<Kind> kinds;
    // Its method and reason are those of the record; nothing where none was counted.
    std::optional<Kind> various;
  };

  static void Count(Kind& kind, absl::Time time);
  static void CountVarious(std::optional<Kind>& various, const AuditRecord& record);
  void Take(const std::string& identity, Window& window, std::vector<AuditRecord>& records);

  absl::flat_hash_map<std::string, Window> windows_;
  size_t kinds_ = 0;
  // Of the identities for which there is no room.
  std::optional<Kind> others_;
  Clock::time_point others_end_;
  // The least of all the seconds' ends.
  Clock::time_point next_due_ = Clock::time_point::max();
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_REFUSAL_COUNTER_H_
