#include "signer/daemon_events.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"

namespace keyward::signer {
namespace {

constexpr char kReloadPolicy[] = "ReloadPolicy";
constexpr char kReloadTlsFiles[] = "ReloadTlsFiles";
constexpr char kInvalid[] = "FILE_INVALID";

}  // namespace

absl::Status DaemonEvents::RecordStart(absl::string_view version,
                                       const std::string& policy_sha256) {
  return AppendAndWait(audit_, {.time = absl::Now(),
                                .method = "Start",
                                .detail = absl::StrCat("keyward-signer ", version, ", process ",
                                                       getpid(), ", user ", getuid()),
                                .policy_sha256 = policy_sha256});
}

absl::Status DaemonEvents::RecordAcceptedLoss(const std::string& anchor) {
  return AppendAndWait(audit_,
                       {.time = absl::Now(), .method = "AcceptLossOfRecords", .detail = anchor});
}

void DaemonEvents::RecordStop() { Record({.method = "Stop"}); }

void DaemonEvents::RecordPolicy(const PolicyReload& reload) {
  AuditRecord record{.method = kReloadPolicy, .policy_sha256 = reload.new_sha256};
  if (reload.status.ok()) {
    record.detail = absl::StrCat("in place of ", reload.old_sha256);
  } else {
    record.refusal = kInvalid;
    record.detail = absl::StrCat("in use stays ", reload.old_sha256);
  }
  Record(std::move(record));
}

void DaemonEvents::RecordTlsFiles(const server::TlsReload& reload) {
  AuditRecord record{.method = kReloadTlsFiles};
  if (reload.status.ok()) {
    record.detail = absl::StrCat(
        "the certificate shown is valid until ",
        absl::FormatTime(absl::RFC3339_sec, reload.set->not_after, absl::UTCTimeZone()));
  } else {
    record.refusal = kInvalid;
    record.detail = "the files before them stay in use";
  }
  Record(std::move(record));
}

void DaemonEvents::RecordFinished(const absl::Status& finished) {
  AuditRecord record{.method = "FinishInterrupted"};
  if (!finished.ok()) record.refusal = ReasonOf(finished).value_or("INTERNAL");
  Record(std::move(record));
}

void DaemonEvents::RecordRecoveries(uint64_t recoveries) {
  if (recoveries == std::exchange(recoveries_, recoveries)) return;
  Record({.method = "RecoverToken", .detail = absl::StrCat("times since the start: ", recoveries)});
}

void DaemonEvents::Record(AuditRecord record) {
  record.time = absl::Now();
  audit_.Append(std::move(record), nullptr);
}

}  // namespace keyward::signer
