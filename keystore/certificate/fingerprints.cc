#include "keystore/certificate/fingerprints.h"

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
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
  const auto digest = absl::MakeConstSpan(bytes.data(), size);
  return absl::AsciiStrToUpper(absl::StrJoin(digest, ":", [](std::string* out, uint8_t byte) {
    absl::StrAppend(out, absl::Hex(byte, absl::kZeroPad2));
  }));
}

}  // namespace

absl::StatusOr<Fingerprints> FingerprintsOf(absl::string_view certificate_der) {
  Fingerprints fingerprints;
  ASSIGN_OR_RETURN(fingerprints.sha1, Digest(certificate_der, EVP_sha1()));
  ASSIGN_OR_RETURN(fingerprints.sha256, Digest(certificate_der, EVP_sha256()));
  return fingerprints;
}

}  // namespace keyward
