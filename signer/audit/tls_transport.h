// Audit records as syslog over TLS, RFC 5425.
#ifndef KEYWARD_SIGNER_AUDIT_TLS_TRANSPORT_H_
#define KEYWARD_SIGNER_AUDIT_TLS_TRANSPORT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "signer/audit/audit_transport.h"

namespace keyward::signer {

struct TlsTransportOptions {
  // HOST:PORT, with an IPv6 address in brackets.
  std::string address;
  // PEM files. The last two are both empty for no certificate of our own.
  std::string ca;
  std::string certificate;
  std::string private_key;
};

// Connects with TLS 1.2 or newer to a server whose certificate is for HOST and comes from
// `ca`. The files are read anew each time, so that a renewed certificate is used from the
// next connection on. The name is looked up with getaddrinfo(3), whose waits are the
// resolver's and not bound by `deadline`.
absl::StatusOr<std::unique_ptr<AuditTransport>> ConnectTlsSyslog(const TlsTransportOptions& options,
                                                                 absl::Time deadline);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_TLS_TRANSPORT_H_
