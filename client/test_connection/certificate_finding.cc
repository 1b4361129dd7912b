// The certificate that an app is to hold: does it fit the key, the calendar and the app?
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "absl/strings/str_cat.h"
#include "client/test_connection/findings.h"
#include "common/certificate_expiry.h"
#include "common/error.h"
#include "common/openssl.h"

namespace keyward::client {
namespace {

// What an app takes as an upload, in whichever form.
constexpr size_t kSalesforceLimit = 4096;
constexpr int kMinRsaBits = 2048;

Finding Problem(v1::TestStep::Result result, absl::string_view reason, const std::string& detail) {
  return {result, detail, Error(absl::StatusCode::kFailedPrecondition, reason, detail)};
}

// RFC 7468: 64 characters a line between two lines of armour.
size_t PemBytes(size_t der_bytes) {
  const size_t base64 = (der_bytes + 2) / 3 * 4;
  return base64 + (base64 + 63) / 64 + 28 + 26;
}

std::string DateText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d", time, absl::UTCTimeZone());
}

Finding JudgeSize(const v1::Certificate& certificate, const std::string& found) {
  const size_t der = certificate.der().size();
  if (der > kSalesforceLimit) {
    return Problem(v1::TestStep::WARNING, "CERTIFICATE_TOO_LONG",
                   absl::StrCat("It has ", der, " bytes even as DER."));
  }
  if (PemBytes(der) > kSalesforceLimit) {
    return {v1::TestStep::WARNING,
            absl::StrCat(found, " Its PEM form is over ", kSalesforceLimit,
                         " bytes: upload it as DER (keyward certificate download --der)."),
            absl::OkStatus()};
  }
  return {v1::TestStep::PASSED, found, absl::OkStatus()};
}

Finding JudgeDates(absl::Time not_before, absl::Time not_after, absl::Time now) {
  if (now < not_before) {
    return Problem(v1::TestStep::WARNING, "CERTIFICATE_NOT_YET_VALID",
                   absl::StrCat("It is valid from ", DateText(not_before), " on."));
  }
  switch (CertificateStatusAt(not_after, now)) {
    case CertificateStatus::kExpired:
      return Problem(v1::TestStep::WARNING, "CERTIFICATE_EXPIRED",
                     absl::StrCat("It was valid until ", DateText(not_after), "."));
    case CertificateStatus::kExpiring:
      return Problem(v1::TestStep::WARNING, "CERTIFICATE_EXPIRING",
                     absl::StrCat("It is valid until ", DateText(not_after), ", for ",
                                  CertificateDaysLeft(not_after, now), " more days."));
    case CertificateStatus::kOk:
      break;
  }
  return {v1::TestStep::PASSED,
          absl::StrCat("Valid until ", DateText(not_after), ", for ",
                       CertificateDaysLeft(not_after, now), " more days."),
          absl::OkStatus()};
}

}  // namespace

Finding JudgeCertificate(const v1::Certificate& certificate, const v1::KeyVersion& version,
                         absl::Time now) {
  const absl::StatusOr<X509Ptr> parsed = ParseCertificate(certificate.der());
  EVP_PKEY* key = parsed.ok() ? X509_get0_pubkey(parsed->get()) : nullptr;
  if (key == nullptr) {
    return Problem(v1::TestStep::FAILED, "CERTIFICATE_MALFORMED",
                   "What the signer has as the certificate is none.");
  }
  const absl::StatusOr<absl::Time> not_before = ToTime(X509_get0_notBefore(parsed->get()));
  const absl::StatusOr<absl::Time> not_after = ToTime(X509_get0_notAfter(parsed->get()));
  if (!not_before.ok() || !not_after.ok()) {
    return Problem(v1::TestStep::FAILED, "CERTIFICATE_MALFORMED",
                   "The certificate's dates are malformed.");
  }
  const bool is_rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
  if (!is_rsa || EVP_PKEY_get_bits(key) < kMinRsaBits) {
    return Problem(v1::TestStep::FAILED, "CERTIFICATE_KEY_TOO_SHORT",
                   absl::StrCat("Its key is ", is_rsa ? "RSA" : "no RSA key", " with ",
                                EVP_PKEY_get_bits(key), " bits."));
  }
  const Sha256Digest digest = Sha256(certificate.der());
  const std::string fingerprint(digest.begin(), digest.end());
  if (certificate.key_version() != version.number() ||
      fingerprint != version.certificate_sha256_fingerprint()) {
    return Problem(
        v1::TestStep::FAILED, "CERTIFICATE_KEY_MISMATCH",
        absl::StrCat("It is not the certificate of key version ", version.number(), "."));
  }
  Finding dates = JudgeDates(*not_before, *not_after, now);
  if (!dates.problem.ok() && ReasonOf(dates.problem) != "CERTIFICATE_EXPIRING") return dates;
  Finding size = JudgeSize(certificate, dates.detail);
  return size.problem.ok() && !dates.problem.ok() ? dates : size;
}

}  // namespace keyward::client
