#include "common/fingerprints.h"

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/openssl.h"
#include "common/status_macros.h"

namespace keyward {
namespace {

absl::StatusOr<std::string> Digest(absl::string_view data, const EVP_MD* hash) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  if (EVP_Digest(data.data(), data.size(), bytes.data(), &size, hash, nullptr) != 1) {
    return OpensslError("cannot make a fingerprint");
  }
  return ColonHex(absl::string_view(reinterpret_cast<const char*>(bytes.data()), size));
}

}  // namespace

std::string ColonHex(absl::string_view bytes) {
  return absl::AsciiStrToUpper(absl::StrJoin(bytes, ":", [](std::string* out, char byte) {
    absl::StrAppend(out, absl::Hex(static_cast<uint8_t>(byte), absl::kZeroPad2));
  }));
}

absl::StatusOr<Fingerprints> FingerprintsOf(absl::string_view certificate_der) {
  Fingerprints fingerprints;
  ASSIGN_OR_RETURN(fingerprints.sha1, Digest(certificate_der, EVP_sha1()));
  ASSIGN_OR_RETURN(fingerprints.sha256, Digest(certificate_der, EVP_sha256()));
  return fingerprints;
}

}  // namespace keyward
