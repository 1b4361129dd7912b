// Whether each record continues the one before it.
#ifndef KEYWARD_SIGNER_AUDIT_CHAIN_CHECK_H_
#define KEYWARD_SIGNER_AUDIT_CHAIN_CHECK_H_

#include <cstdint>
#include <optional>

#include "signer/audit/audit_line.h"
#include "signer/audit/finding_list.h"
#include "signer/audit/line_hasher.h"

namespace keyward::signer {

// Gets the lines of the log in their order and tells where the chain is broken, once for
// each break: after one it goes on from what it found there. Not thread-safe.
class ChainCheck {
 public:
  // Outlived by `findings`. `from_start`: a log that begins later than with record 1 is a
  // failure.
  ChainCheck(FindingList& findings, bool from_start)
      : findings_(findings), from_start_(from_start) {}

  // The next record is the first of a file.
  void BeginFile() { file_begins_ = true; }

  void AddRecord(const LineStart& start, const HexDigest& sha256, const Place& place);

  // A line that is no record, and so may have been one.
  void AddDamagedLine() { ++damaged_lines_; }

  // Number of the record that would continue the chain.
  uint64_t next_sequence() const { return main_ ? main_->place.sequence + 1 : 1; }

 private:
  struct Link {
    Place place;
    HexDigest sha256;

    bool IsContinuedBy(const LineStart& start) const {
      return start.sequence == place.sequence + 1 && start.previous == ViewOf(sha256);
    }
  };

  void Begin(const LineStart& start, const Place& place);
  // Returns whether the chain goes on from this record, or else from where it was.
  bool TellBreak(const LineStart& start, const Place& place);
  void TellGap(const LineStart& start, const Place& place);

  FindingList& findings_;
  const bool from_start_;
  bool file_begins_ = true;
  // Since the last record.
  uint64_t damaged_lines_ = 0;
  // The record with the greatest number, which the next should continue …
  std::optional<Link> main_;
  // … and one that stepped back: a chain of its own may follow it.
  std::optional<Link> side_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_CHAIN_CHECK_H_
