#include "keystore/provider/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>

#include "absl/strings/str_cat.h"
#include "common/bytes.h"
#include "common/status_macros.h"
#include "keystore/provider/provider_error.h"

namespace keyward::provider {
namespace {

using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, OpensslDeleter<&OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, OpensslDeleter<&OSSL_PARAM_free>>;
using GroupPtr = std::unique_ptr<EC_GROUP, OpensslDeleter<&EC_GROUP_free>>;

BignumPtr Number(absl::string_view big_endian) {
  return BignumPtr(BN_bin2bn(Bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

absl::Status CheckCurve(const EVP_PKEY& key) {
  char group[64] = "";
  size_t length = 0;
  EVP_PKEY_get_group_name(&key, group, sizeof(group), &length);
  const int nid = OBJ_txt2nid(group);
  if (nid == NID_X9_62_prime256v1 || nid == NID_secp384r1) return absl::OkStatus();
  return ProviderError(
      Reason::kKeyUnsupported,
      absl::StrCat("keys on the curve \"", group, "\" are not supported; use P-256 or P-384"));
}

absl::StatusOr<Params> RsaParams(const pkcs11::PublicKeyValue& value) {
  const BignumPtr modulus = Number(value.modulus);
  const BignumPtr exponent = Number(value.public_exponent);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (modulus == nullptr || exponent == nullptr || builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return OpensslError("cannot read the RSA public key");
  }
  return Params(OSSL_PARAM_BLD_to_param(builder.get()));
}

// CKA_EC_PARAMS is the DER of ECParameters (PKCS#11 2.3.3), which OpenSSL reads.
absl::StatusOr<Params> EcParams(const pkcs11::PublicKeyValue& value) {
  const uint8_t* der = Bytes(value.ec_params);
  const GroupPtr group(d2i_ECPKParameters(
      nullptr, &der, static_cast<long>(value.ec_params.size())));  // NOLINT(google-runtime-int)
  const int nid = group == nullptr ? NID_undef : EC_GROUP_get_curve_name(group.get());
  if (nid == NID_undef) {
    ForgetOpensslErrors();
    return ProviderError(Reason::kKeyUnsupported,
                         "the key's curve is not one that OpenSSL knows; use P-256 or P-384");
  }
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, OBJ_nid2sn(nid),
                                      0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                       value.ec_point.data(), value.ec_point.size()) != 1) {
    return OpensslError("cannot read the EC public key");
  }
  return Params(OSSL_PARAM_BLD_to_param(builder.get()));
}

}  // namespace

const char* NameOf(KeyType type) {
  switch (type) {
    case KeyType::kRsa:
      return "RSA";
    case KeyType::kRsaPss:
      return "RSA-PSS";
    case KeyType::kEc:
      return "EC";
  }
  return "";
}

std::unique_ptr<Key> CopyOf(const Key& key) {
  auto copy = std::make_unique<Key>();
  copy->provider = key.provider;
  copy->type = key.type;
  if (key.public_key != nullptr) {
    EVP_PKEY_up_ref(key.public_key.get());
    copy->public_key.reset(key.public_key.get());
  }
  copy->private_key = key.private_key;
  return copy;
}

absl::StatusOr<EvpPkeyPtr> PublicKeyFromParams(const ProviderContext& provider, KeyType type,
                                               const OSSL_PARAM params[]) {
  const EvpPkeyCtxPtr context(
      EVP_PKEY_CTX_new_from_name(provider.library_context(), NameOf(type), nullptr));
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        const_cast<OSSL_PARAM*>(params)) != 1) {
    return OpensslError("cannot read the public key");
  }
  EvpPkeyPtr made(key);
  if (type == KeyType::kEc) RETURN_IF_ERROR(CheckCurve(*made));
  return made;
}

absl::StatusOr<EvpPkeyPtr> PublicKeyFromToken(const ProviderContext& provider, KeyType type,
                                              const pkcs11::PublicKeyValue& value) {
  ASSIGN_OR_RETURN(const Params params, type == KeyType::kEc ? EcParams(value) : RsaParams(value));
  if (params == nullptr) return absl::ResourceExhaustedError("out of memory");
  return PublicKeyFromParams(provider, type, params.get());
}

}  // namespace keyward::provider
