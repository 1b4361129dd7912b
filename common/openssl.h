// OpenSSL's objects as move-only handles, and its error queue as a Status.
#ifndef KEYWARD_COMMON_OPENSSL_H_
#define KEYWARD_COMMON_OPENSSL_H_

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace keyward {

template <auto kFree>
struct OpensslDeleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using BignumPtr = std::unique_ptr<BIGNUM, OpensslDeleter<&BN_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslDeleter<&BIO_free_all>>;
using EvpPkeyPtr = std::unique_ptr<EVP_PKEY, OpensslDeleter<&EVP_PKEY_free>>;
using EvpPkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, OpensslDeleter<&EVP_PKEY_CTX_free>>;
using EvpMdCtxPtr = std::unique_ptr<EVP_MD_CTX, OpensslDeleter<&EVP_MD_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslDeleter<&X509_free>>;

using Sha256Digest = std::array<uint8_t, 32>;

// SHA-256 (FIPS 180-4) of `data`.
Sha256Digest Sha256(absl::string_view data);

// The same as 64 lower-case hexadecimal digits.
std::string HexSha256(absl::string_view data);

// The X.509 certificate (RFC 5280) whose DER `der` is, to its last byte.
// INVALID_ARGUMENT, with OpenSSL's reason, for anything else.
absl::StatusOr<X509Ptr> ParseCertificate(absl::string_view der);

// The DER of `object` by its type's i2d function: EncodeDer<&i2d_X509>(...).
template <auto kI2d, typename T>
absl::StatusOr<std::string> EncodeDer(T* object);

// INTERNAL where `time` is not one of RFC 5280 section 4.1.2.5.
absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time);

// Empties this thread's OpenSSL error queue down to the newest mark (ERR_set_mark(3)),
// below which the entries are somebody else's; wholly where there is none.
void ForgetOpensslErrors();

// An INTERNAL error whose message is `what` and the newest entry of this
// thread's OpenSSL error queue, which is then emptied as above.
absl::Status OpensslError(absl::string_view what);

template <auto kI2d, typename T>
absl::StatusOr<std::string> EncodeDer(T* object) {
  uint8_t* encoded = nullptr;
  const int length = kI2d(object, &encoded);
  if (length <= 0) return OpensslError("cannot encode as DER");
  std::string der(reinterpret_cast<char*>(encoded), static_cast<size_t>(length));
  OPENSSL_free(encoded);
  return der;
}

}  // namespace keyward

#endif  // KEYWARD_COMMON_OPENSSL_H_
