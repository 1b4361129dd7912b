#include "keystore/provider/algorithm_id.h"

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

#include "common/openssl.h"

namespace keyward::provider {
namespace {

using pkcs11::HashAlgorithm;
using pkcs11::SignatureScheme;
using AlgorithmPtr = std::unique_ptr<X509_ALGOR, OpensslDeleter<&X509_ALGOR_free>>;
using PssPtr = std::unique_ptr<RSA_PSS_PARAMS, OpensslDeleter<&RSA_PSS_PARAMS_free>>;
using StringPtr = std::unique_ptr<ASN1_STRING, OpensslDeleter<&ASN1_STRING_free>>;

// RFC 4055 section 3.1: what DER leaves out.
constexpr size_t kDefaultSaltBytes = 20;

const EVP_MD* DigestOf(HashAlgorithm hash) {
  switch (hash) {
    case HashAlgorithm::kSha256:
      return EVP_sha256();
    case HashAlgorithm::kSha384:
      return EVP_sha384();
    case HashAlgorithm::kSha512:
      return EVP_sha512();
  }
  return nullptr;
}

int Pick(HashAlgorithm hash, int sha256, int sha384, int sha512) {
  if (hash == HashAlgorithm::kSha256) return sha256;
  return hash == HashAlgorithm::kSha384 ? sha384 : sha512;
}

// `algorithm` with `value`, packed as `item`, for parameters.
bool SetPacked(X509_ALGOR* algorithm, int nid, const void* value, const ASN1_ITEM* item) {
  StringPtr packed(ASN1_item_pack(const_cast<void*>(value), item, nullptr));
  if (packed == nullptr ||
      X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), V_ASN1_SEQUENCE, packed.get()) != 1) {
    return false;
  }
  packed.release();  // NOLINT(bugprone-unused-return-value): it is the algorithm's now
  return true;
}

bool SetPss(X509_ALGOR* algorithm, const SignatureScheme& scheme) {
  const PssPtr pss(RSA_PSS_PARAMS_new());
  const AlgorithmPtr mgf1_digest(X509_ALGOR_new());
  if (pss == nullptr || mgf1_digest == nullptr) return false;
  pss->hashAlgorithm = X509_ALGOR_new();
  pss->maskGenAlgorithm = X509_ALGOR_new();
  if (pss->hashAlgorithm == nullptr || pss->maskGenAlgorithm == nullptr) return false;
  X509_ALGOR_set_md(pss->hashAlgorithm, DigestOf(scheme.digest));
  X509_ALGOR_set_md(mgf1_digest.get(), DigestOf(scheme.mgf1_digest));
  if (!SetPacked(pss->maskGenAlgorithm, NID_mgf1, mgf1_digest.get(), ASN1_ITEM_rptr(X509_ALGOR))) {
    return false;
  }
  if (scheme.salt_bytes != kDefaultSaltBytes) {
    pss->saltLength = ASN1_INTEGER_new();
    if (pss->saltLength == nullptr ||
        ASN1_INTEGER_set_uint64(pss->saltLength, scheme.salt_bytes) != 1) {
      return false;
    }
  }
  return SetPacked(algorithm, NID_rsassaPss, pss.get(), ASN1_ITEM_rptr(RSA_PSS_PARAMS));
}

bool Set(X509_ALGOR* algorithm, const SignatureScheme& scheme) {
  switch (scheme.kind) {
    case SignatureScheme::Kind::kRsaPkcs1:
      return X509_ALGOR_set0(
                 algorithm,
                 OBJ_nid2obj(Pick(scheme.digest, NID_sha256WithRSAEncryption,
                                  NID_sha384WithRSAEncryption, NID_sha512WithRSAEncryption)),
                 V_ASN1_NULL, nullptr) == 1;
    case SignatureScheme::Kind::kRsaPss:
      return SetPss(algorithm, scheme);
    case SignatureScheme::Kind::kEcdsa:
      return X509_ALGOR_set0(algorithm,
                             OBJ_nid2obj(Pick(scheme.digest, NID_ecdsa_with_SHA256,
                                              NID_ecdsa_with_SHA384, NID_ecdsa_with_SHA512)),
                             V_ASN1_UNDEF, nullptr) == 1;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::string> AlgorithmIdentifier(const SignatureScheme& scheme) {
  const AlgorithmPtr algorithm(X509_ALGOR_new());
  if (algorithm == nullptr || !Set(algorithm.get(), scheme)) {
    return OpensslError("cannot write the AlgorithmIdentifier");
  }
  uint8_t* der = nullptr;
  const int length = i2d_X509_ALGOR(algorithm.get(), &der);
  if (length < 0) return OpensslError("cannot write the AlgorithmIdentifier");
  std::string text(reinterpret_cast<const char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return text;
}

}  // namespace keyward::provider
