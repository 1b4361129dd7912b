// What a verification of the audit log has to say.
#ifndef KEYWARD_SIGNER_AUDIT_AUDIT_FINDING_H_
#define KEYWARD_SIGNER_AUDIT_AUDIT_FINDING_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace keyward::signer {

enum class Severity : uint8_t {
  kNote,     // worth knowing
  kWarning,  // explained by the log itself, or by its being written just now
  kFailure,  // the log does not prove what it says
};

enum class FindingKind : uint8_t {
  kAnchorMissing,
  kAnchorMismatch,
  kBeginsLater,
  kCertificateTime,
  kChangedRecord,
  kCheckpointForged,
  kCheckpointMalformed,
  kCheckpointLeftOut,
  kCheckpointMissing,
  kCheckpointTime,
  kCheckpointUnknownKey,
  kCutBeginning,
  kEmptyFile,
  kInsertedRecord,
  kMalformedLine,
  kMissingFile,
  kMissingRecords,
  kNothingVouchedFor,
  kReorderedRecord,
  kRestartedChain,
  kTooLongLine,
  kUnfinishedLine,
  kUnvouchedRecords,
};

struct Finding {
  FindingKind kind;
  Severity severity;
  // Where: empty and 0 where it is about no line in particular. Lines count from 1.
  std::string file;
  uint64_t line = 0;
  uint64_t sequence = 0;
  // A sentence without a full stop.
  std::string message;
};

// "changed-record", as docs/audit.md lists them.
absl::string_view FindingName(FindingKind kind);
// "note", "warning", "failure".
absl::string_view SeverityName(Severity severity);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_AUDIT_FINDING_H_
