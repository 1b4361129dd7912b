#include "common/certificate_expiry.h"

#include "absl/strings/str_cat.h"

namespace keyward {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

}  // namespace

CertificateStatus CertificateStatusAt(absl::Time not_after, absl::Time now) {
  if (now > not_after) return CertificateStatus::kExpired;
  return not_after - now <= kCertificateWarning ? CertificateStatus::kExpiring
                                                : CertificateStatus::kOk;
}

absl::string_view CertificateStatusName(CertificateStatus status) {
  switch (status) {
    case CertificateStatus::kOk:
      return "OK";
    case CertificateStatus::kExpiring:
      return "EXPIRING";
    case CertificateStatus::kExpired:
      break;
  }
  return "EXPIRED";
}

int64_t CertificateDaysLeft(absl::Time not_after, absl::Time now) {
  absl::Duration rest;
  const absl::Duration left = absl::Floor(not_after - now, kDay);
  return absl::IDivDuration(left, kDay, &rest);
}

std::string CertificateStatusText(absl::Time not_after, absl::Time now) {
  const CertificateStatus status = CertificateStatusAt(not_after, now);
  if (status == CertificateStatus::kOk) return "ok";
  if (status == CertificateStatus::kExpired) return "EXPIRED";
  const int64_t days = CertificateDaysLeft(not_after, now);
  if (days == 0) return "expires within a day";
  return absl::StrCat("expires in ", days, days == 1 ? " day" : " days");
}

}  // namespace keyward
