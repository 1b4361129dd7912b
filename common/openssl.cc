#include "common/openssl.h"

#include <openssl/err.h>
#include <openssl/sha.h>

#include <ctime>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace keyward {

Sha256Digest Sha256(absl::string_view data) {
  Sha256Digest digest;
  SHA256(reinterpret_cast<const uint8_t*>(data.data()), data.size(), digest.data());
  return digest;
}

std::string HexSha256(absl::string_view data) {
  const Sha256Digest digest = Sha256(data);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

absl::StatusOr<X509Ptr> ParseCertificate(absl::string_view der) {
  const auto* begin = reinterpret_cast<const uint8_t*>(der.data());
  const uint8_t* end = begin;
  X509Ptr certificate(
      d2i_X509(nullptr, &end, static_cast<long>(der.size())));  // NOLINT(google-runtime-int)
  if (certificate == nullptr || end != begin + der.size()) {
    return absl::InvalidArgumentError(OpensslError("not a DER certificate").message());
  }
  return certificate;
}

absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return OpensslError("not a certificate's time");
  return absl::FromTM(parts, absl::UTCTimeZone());
}

void ForgetOpensslErrors() {
  // Takes the mark away, too.
  if (ERR_pop_to_mark() == 1) ERR_set_mark();
}

absl::Status OpensslError(absl::string_view what) {
  const unsigned long code = ERR_peek_last_error();  // NOLINT(google-runtime-int): OpenSSL's type
  ForgetOpensslErrors();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return absl::InternalError(absl::StrCat(what, ": ", reason == nullptr ? "failed" : reason));
}

}  // namespace keyward
