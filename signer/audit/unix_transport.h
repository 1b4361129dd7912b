// Audit records over a Unix socket: to a syslog daemon, or to systemd's journal.
#ifndef KEYWARD_SIGNER_AUDIT_UNIX_TRANSPORT_H_
#define KEYWARD_SIGNER_AUDIT_UNIX_TRANSPORT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "signer/audit/audit_transport.h"

namespace keyward::signer {

// To the socket at `path`, such as rsyslog's /dev/log: each message of RFC 5424 is a
// datagram, or ends in a LF where the socket is a stream.
absl::StatusOr<std::unique_ptr<AuditTransport>> ConnectUnixSyslog(const std::string& path,
                                                                  absl::Time deadline);

// To the journal's socket at `path`. An entry that is too long for a datagram goes in a
// sealed memfd.
absl::StatusOr<std::unique_ptr<AuditTransport>> ConnectJournal(const std::string& path,
                                                               absl::Time deadline);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_UNIX_TRANSPORT_H_
