// What the audit log says of the daemon itself.
#ifndef KEYWARD_SIGNER_DAEMON_EVENTS_H_
#define KEYWARD_SIGNER_DAEMON_EVENTS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "common/server/tls_watch.h"
#include "signer/audit_log.h"
#include "signer/policy_watch.h"

namespace keyward::signer {

// Thread-safe, but for RecordRecoveries().
class DaemonEvents {
 public:
  // `audit` outlives this.
  explicit DaemonEvents(AuditLog& audit) : audit_(audit) {}

  // Waits until it is on the disk: a daemon that cannot say so does not serve. Errors:
  // the log's.
  absl::Status RecordStart(absl::string_view version, const std::string& policy_sha256);
  // An operator accepts that the log does not have `anchor`, "57:9f86…". Waits and fails as
  // RecordStart().
  absl::Status RecordAcceptedLoss(const std::string& anchor);
  // The last record but for the checkpoint that vouches for it.
  void RecordStop();

  // A changed policy is in use, or has mistakes and is not: its mistakes are in the
  // daemon's log, the record has the file's digest.
  void RecordPolicy(const PolicyReload& reload);
  // The same of the TLS files, the CRL among them.
  void RecordTlsFiles(const server::TlsReload& reload);

  // What a crash or a failed call left half done is finished, or is not yet.
  void RecordFinished(const absl::Status& finished);

  // `recoveries` of the token's sessions since the start: recorded where there are more
  // than last time. For one thread.
  void RecordRecoveries(uint64_t recoveries);

 private:
  void Record(AuditRecord record);

  AuditLog& audit_;
  uint64_t recoveries_ = 0;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_DAEMON_EVENTS_H_
