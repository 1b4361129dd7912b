// How near a certificate is to its end: one answer for the signer's warnings, its
// metrics and the command.
#ifndef KEYWARD_COMMON_CERTIFICATE_EXPIRY_H_
#define KEYWARD_COMMON_CERTIFICATE_EXPIRY_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace keyward {

// How long before its end a certificate is warned about.
inline constexpr absl::Duration kCertificateWarning = absl::Hours(24 * 30);

enum class CertificateStatus { kOk, kExpiring, kExpired };

// `not_after` is the last moment at which the certificate is valid (RFC 5280 section
// 4.1.2.5).
CertificateStatus CertificateStatusAt(absl::Time not_after, absl::Time now);

// "OK", "EXPIRING", "EXPIRED".
absl::string_view CertificateStatusName(CertificateStatus status);

// Whole days until `not_after`, rounded down: 0 on the last day, below zero after it.
int64_t CertificateDaysLeft(absl::Time not_after, absl::Time now);

// "ok", "expires in 12 days", "expires within a day", "EXPIRED".
std::string CertificateStatusText(absl::Time not_after, absl::Time now);

}  // namespace keyward

#endif  // KEYWARD_COMMON_CERTIFICATE_EXPIRY_H_
