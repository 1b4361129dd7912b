#include "keystore/provider/ecdsa_signature.h"

#include <openssl/ecdsa.h>

#include <memory>

#include "common/openssl.h"

namespace keyward::provider {
namespace {

using SignaturePtr = std::unique_ptr<ECDSA_SIG, OpensslDeleter<&ECDSA_SIG_free>>;

BignumPtr Number(absl::string_view bytes) {
  return BignumPtr(BN_bin2bn(reinterpret_cast<const uint8_t*>(bytes.data()),
                             static_cast<int>(bytes.size()), nullptr));
}

}  // namespace

absl::StatusOr<std::string> EcdsaToDer(absl::string_view r_and_s) {
  const size_t half = r_and_s.size() / 2;
  BignumPtr r = Number(r_and_s.substr(0, half));
  BignumPtr s = Number(r_and_s.substr(half));
  const SignaturePtr signature(ECDSA_SIG_new());
  if (r_and_s.empty() || r_and_s.size() % 2 != 0 || r == nullptr || s == nullptr ||
      signature == nullptr) {
    return absl::InternalError("the token's ECDSA signature is not r and s");
  }
  // Takes both over.
  ECDSA_SIG_set0(signature.get(), r.release(), s.release());
  uint8_t* der = nullptr;
  const int length = i2d_ECDSA_SIG(signature.get(), &der);
  if (length <= 0) return OpensslError("cannot encode the ECDSA signature");
  std::string text(reinterpret_cast<const char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return text;
}

}  // namespace keyward::provider
