#include "signer/audit/line_hasher.h"

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace keyward::signer {

LineHasher::LineHasher() : context_(EVP_MD_CTX_new()) {
  // Fails only where memory has run out or OpenSSL lacks SHA-256.
  if (context_ == nullptr || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
    std::abort();
  }
}

HexDigest LineHasher::Hash(absl::string_view line) {
  constexpr char kDigits[] = "0123456789abcdef";
  Sha256Digest digest{};
  if (EVP_DigestInit_ex(context_.get(), nullptr, nullptr) != 1 ||
      EVP_DigestUpdate(context_.get(), line.data(), line.size()) != 1 ||
      EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1) {
    std::abort();
  }
  HexDigest hex;
  for (size_t i = 0; i < digest.size(); ++i) {
    hex[2 * i] = kDigits[digest[i] >> 4];
    hex[2 * i + 1] = kDigits[digest[i] & 15];
  }
  return hex;
}

}  // namespace keyward::signer
