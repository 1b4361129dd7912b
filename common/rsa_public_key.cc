#include "common/rsa_public_key.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/bytes.h"
#include "common/status_macros.h"

namespace keyward {
namespace {

using ParamBuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, OpensslDeleter<&OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, OpensslDeleter<&OSSL_PARAM_free>>;

BignumPtr ToBignum(absl::string_view big_endian) {
  return BignumPtr(BN_bin2bn(Bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

absl::StatusOr<std::string> ReadNumber(const EVP_PKEY& key, const char* parameter) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(&key, parameter, &number) != 1) {
    return OpensslError("cannot read the public key");
  }
  const BignumPtr owned(number);
  std::string bytes(static_cast<size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<uint8_t*>(bytes.data()));
  return bytes;
}

absl::StatusOr<std::string> Base64UrlNumber(const EVP_PKEY& key, const char* parameter) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadNumber(key, parameter));
  return absl::WebSafeBase64Escape(bytes);
}

}  // namespace

absl::StatusOr<EvpPkeyPtr> MakeRsaPublicKey(absl::string_view modulus,
                                            absl::string_view public_exponent) {
  const BignumPtr n = ToBignum(modulus);
  const BignumPtr e = ToBignum(public_exponent);
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (n == nullptr || e == nullptr || builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return OpensslError("cannot build the public key");
  }
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return OpensslError("cannot build the public key");
  }
  return EvpPkeyPtr(key);
}

absl::StatusOr<EvpPkeyPtr> PublicKeyOfCertificate(absl::string_view certificate_der) {
  ASSIGN_OR_RETURN(const X509Ptr certificate, ParseCertificate(certificate_der));
  EvpPkeyPtr key(X509_get_pubkey(certificate.get()));
  if (key == nullptr || EVP_PKEY_is_a(key.get(), "RSA") != 1) {
    return absl::InvalidArgumentError("the certificate's key is not an RSA key");
  }
  return key;
}

absl::StatusOr<std::string> ModulusOf(const EVP_PKEY& key) {
  return ReadNumber(key, OSSL_PKEY_PARAM_RSA_N);
}

absl::StatusOr<RsaJwkMembers> RsaJwkMembersOf(const EVP_PKEY& key) {
  RsaJwkMembers members;
  ASSIGN_OR_RETURN(members.n, Base64UrlNumber(key, OSSL_PKEY_PARAM_RSA_N));
  ASSIGN_OR_RETURN(members.e, Base64UrlNumber(key, OSSL_PKEY_PARAM_RSA_E));
  return members;
}

absl::StatusOr<std::string> JwkThumbprint(const EVP_PKEY& key) {
  ASSIGN_OR_RETURN(const RsaJwkMembers members, RsaJwkMembersOf(key));
  // RFC 7638 section 3.2: the required members in order of name, no white space.
  const Sha256Digest digest =
      Sha256(absl::StrCat(R"({"e":")", members.e, R"(","kty":"RSA","n":")", members.n, R"("})"));
  return absl::WebSafeBase64Escape(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

absl::Status VerifyRs256(const EVP_PKEY& key, absl::string_view message,
                         absl::string_view signature) {
  // OpenSSL takes keys as non-const but counts references atomically.
  const EvpPkeyCtxPtr context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, const_cast<EVP_PKEY*>(&key), nullptr));
  const Sha256Digest digest = Sha256(message);
  if (context == nullptr || EVP_PKEY_verify_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) != 1) {
    return OpensslError("cannot verify the signature");
  }
  if (EVP_PKEY_verify(context.get(), Bytes(signature), signature.size(), digest.data(),
                      digest.size()) != 1) {
    return OpensslError("the signature does not verify");
  }
  return absl::OkStatus();
}

}  // namespace keyward
