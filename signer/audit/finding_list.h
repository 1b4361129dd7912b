// Collects the findings of one verification.
#ifndef KEYWARD_SIGNER_AUDIT_FINDING_LIST_H_
#define KEYWARD_SIGNER_AUDIT_FINDING_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "signer/audit/audit_finding.h"

namespace keyward::signer {

// A line of a file, and the number of its record, 0 where it is none.
struct Place {
  // Not null; outlives the verification.
  const std::string* file = nullptr;
  uint64_t line = 0;
  uint64_t sequence = 0;
};

// Keeps the first `max_findings` and counts all. Not thread-safe.
class FindingList {
 public:
  explicit FindingList(size_t max_findings) : max_findings_(max_findings) {}

  void Note(FindingKind kind, const Place& place, std::string message) {
    Add(Severity::kNote, kind, place, std::move(message));
  }
  void Warn(FindingKind kind, const Place& place, std::string message) {
    ++warnings_;
    Add(Severity::kWarning, kind, place, std::move(message));
  }
  void Fail(FindingKind kind, const Place& place, std::string message) {
    ++failures_;
    Add(Severity::kFailure, kind, place, std::move(message));
  }

  uint64_t failures() const { return failures_; }
  uint64_t warnings() const { return warnings_; }
  std::vector<Finding> Take() { return std::move(findings_); }

 private:
  void Add(Severity severity, FindingKind kind, const Place& place, std::string message) {
    if (findings_.size() >= max_findings_) return;
    findings_.push_back({kind, severity, place.file == nullptr ? "" : *place.file, place.line,
                         place.sequence, std::move(message)});
  }

  const size_t max_findings_;
  uint64_t failures_ = 0;
  uint64_t warnings_ = 0;
  std::vector<Finding> findings_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_FINDING_LIST_H_
