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

// The X.509 certificate (RFC 5280) whose DER `der` is, to its last byte.
// INVALID_ARGUMENT, with OpenSSL's reason, for anything else.
absl::StatusOr<X509Ptr> ParseCertificate(absl::string_view der);

// An INTERNAL error whose message is `what` and the newest entry of this
// thread's OpenSSL error queue, which is emptied.
absl::Status OpensslError(absl::string_view what);

}  // namespace keyward

#endif  // KEYWARD_COMMON_OPENSSL_H_
