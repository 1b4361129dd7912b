#include "signer/audit/audit_finding.h"

namespace keyward::signer {

absl::string_view FindingName(FindingKind kind) {
  switch (kind) {
    case FindingKind::kAnchorMissing:
      return "anchor-missing";
    case FindingKind::kAnchorMismatch:
      return "anchor-mismatch";
    case FindingKind::kBeginsLater:
      return "begins-later";
    case FindingKind::kCertificateTime:
      return "certificate-time";
    case FindingKind::kChangedRecord:
      return "changed-record";
    case FindingKind::kCheckpointForged:
      return "checkpoint-forged";
    case FindingKind::kCheckpointMalformed:
      return "checkpoint-malformed";
    case FindingKind::kCheckpointLeftOut:
      return "checkpoint-left-out";
    case FindingKind::kCheckpointMissing:
      return "checkpoint-missing";
    case FindingKind::kCheckpointTime:
      return "checkpoint-time";
    case FindingKind::kCheckpointUnknownKey:
      return "checkpoint-unknown-key";
    case FindingKind::kCutBeginning:
      return "cut-beginning";
    case FindingKind::kEmptyFile:
      return "empty-file";
    case FindingKind::kInsertedRecord:
      return "inserted-record";
    case FindingKind::kMalformedLine:
      return "malformed-line";
    case FindingKind::kMissingFile:
      return "missing-file";
    case FindingKind::kMissingRecords:
      return "missing-records";
    case FindingKind::kNothingVouchedFor:
      return "nothing-vouched-for";
    case FindingKind::kReorderedRecord:
      return "reordered-record";
    case FindingKind::kRestartedChain:
      return "restarted-chain";
    case FindingKind::kTooLongLine:
      return "too-long-line";
    case FindingKind::kUnfinishedLine:
      return "unfinished-line";
    case FindingKind::kUnvouchedRecords:
      return "unvouched-records";
  }
  return "";
}

absl::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kNote:
      return "note";
    case Severity::kWarning:
      return "warning";
    case Severity::kFailure:
      return "failure";
  }
  return "";
}

}  // namespace keyward::signer
