// Whether records that somebody wrote down elsewhere are in the log.
#ifndef KEYWARD_SIGNER_AUDIT_ANCHOR_CHECK_H_
#define KEYWARD_SIGNER_AUDIT_ANCHOR_CHECK_H_

#include <cstdint>
#include <vector>

#include "signer/audit/audit_line.h"
#include "signer/audit/audit_verifier.h"
#include "signer/audit/finding_list.h"
#include "signer/audit/line_hasher.h"

namespace keyward::signer {

// Gets the records of the log in their order, all of them. Not thread-safe.
class AnchorCheck {
 public:
  // Outlived by `findings`.
  AnchorCheck(FindingList& findings, const std::vector<Anchor>& anchors);

  void AddRecord(const LineStart& start, const HexDigest& sha256, const Place& place) {
    if (!entries_.empty()) Look(start, sha256, place);
  }

  // No more records.
  void Finish();

 private:
  struct Entry {
    Anchor anchor;
    bool found = false;
    // Of another record with its number.
    Place other;
  };

  void Look(const LineStart& start, const HexDigest& sha256, const Place& place);

  FindingList& findings_;
  // By sequence.
  std::vector<Entry> entries_;
  // 0 before the first record.
  uint64_t first_sequence_ = 0;
  uint64_t last_sequence_ = 0;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_ANCHOR_CHECK_H_
