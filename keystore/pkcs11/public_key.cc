#include "keystore/pkcs11/public_key.h"

#include <openssl/asn1.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>

#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/bytes.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/object_finder.h"

namespace keyward::pkcs11 {
namespace {

using GroupPtr = std::unique_ptr<EC_GROUP, OpensslDeleter<&EC_GROUP_free>>;
using PointPtr = std::unique_ptr<EC_POINT, OpensslDeleter<&EC_POINT_free>>;
using OctetsPtr = std::unique_ptr<ASN1_OCTET_STRING, OpensslDeleter<&ASN1_OCTET_STRING_free>>;

absl::StatusOr<GroupPtr> ParseCurve(const std::string& ec_params) {
  const uint8_t* der = Bytes(ec_params);
  GroupPtr group(d2i_ECPKParameters(nullptr, &der, static_cast<long>(ec_params.size())));  // NOLINT
  if (group == nullptr || der != Bytes(ec_params) + ec_params.size()) {
    return absl::FailedPreconditionError(
        OpensslError("the key on the token is on a curve that OpenSSL does not know").message());
  }
  return group;
}

// `octets` as an uncompressed point of the curve, or nothing where they are none.
std::optional<std::string> Uncompressed(const EC_GROUP& group, const uint8_t* octets,
                                        size_t length) {
  const PointPtr point(EC_POINT_new(&group));
  if (point == nullptr || EC_POINT_oct2point(&group, point.get(), octets, length, nullptr) != 1) {
    ForgetOpensslErrors();
    return std::nullopt;
  }
  const auto form = POINT_CONVERSION_UNCOMPRESSED;
  std::string bytes(EC_POINT_point2oct(&group, point.get(), form, nullptr, 0, nullptr), '\0');
  EC_POINT_point2oct(&group, point.get(), form, reinterpret_cast<uint8_t*>(bytes.data()),
                     bytes.size(), nullptr);
  return bytes;
}

// CKA_EC_POINT is the DER of an OCTET STRING (PKCS#11 2.40 section 2.3.3); some
// tokens give the point as it is. That is tried first: it begins with the tag of an
// OCTET STRING, but no OCTET STRING of this length is a point of the same curve.
std::optional<std::string> UnwrapPoint(const EC_GROUP& group, const std::string& value) {
  if (auto point = Uncompressed(group, Bytes(value), value.size())) return point;
  const uint8_t* der = Bytes(value);
  const OctetsPtr octets(
      d2i_ASN1_OCTET_STRING(nullptr, &der, static_cast<long>(value.size())));  // NOLINT
  if (octets == nullptr || der != Bytes(value) + value.size()) {
    ForgetOpensslErrors();
    return std::nullopt;
  }
  return Uncompressed(group, ASN1_STRING_get0_data(octets.get()), ASN1_STRING_length(octets.get()));
}

absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> FindRelated(const Session& session,
                                                          CK_OBJECT_HANDLE object,
                                                          CK_OBJECT_CLASS object_class) {
  ASSIGN_OR_RETURN(const auto key_id, IfAnswered(ReadBytes(session, object, CKA_ID)));
  // An empty one relates everything that has none.
  if (!key_id || key_id->empty()) return std::vector<CK_OBJECT_HANDLE>();
  return FindObjectsById(session, object_class, *key_id);
}

// The public keys of the certificates with the object's CKA_ID.
absl::StatusOr<std::vector<EvpPkeyPtr>> CertifiedKeys(const Session& session,
                                                      CK_OBJECT_HANDLE object) {
  std::vector<EvpPkeyPtr> keys;
  ASSIGN_OR_RETURN(const auto certificates, FindRelated(session, object, CKO_CERTIFICATE));
  for (const CK_OBJECT_HANDLE certificate : certificates) {
    ASSIGN_OR_RETURN(const auto der, IfAnswered(ReadBytes(session, certificate, CKA_VALUE)));
    if (!der) continue;
    const auto parsed = ParseCertificate(*der);
    if (!parsed.ok()) continue;
    EvpPkeyPtr key(X509_get_pubkey(parsed->get()));
    if (key != nullptr) keys.push_back(std::move(key));
  }
  ForgetOpensslErrors();
  return keys;
}

std::optional<std::string> BignumOf(const EVP_PKEY& key, const char* name) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(&key, name, &value) != 1) {
    ForgetOpensslErrors();
    return std::nullopt;
  }
  const BignumPtr owned(value);
  std::string bytes(BN_num_bytes(value), '\0');
  BN_bn2bin(value, reinterpret_cast<uint8_t*>(bytes.data()));
  return bytes;
}

// The exponents that belong to `modulus`, from what shares the object's CKA_ID.
absl::StatusOr<std::set<std::string>> RelatedExponents(const Session& session,
                                                       CK_OBJECT_HANDLE object,
                                                       const std::string& modulus) {
  std::set<std::string> exponents;
  ASSIGN_OR_RETURN(const auto public_keys, FindRelated(session, object, CKO_PUBLIC_KEY));
  for (const CK_OBJECT_HANDLE key : public_keys) {
    ASSIGN_OR_RETURN(const auto found, IfAnswered(ReadBytes(session, key, CKA_MODULUS)));
    ASSIGN_OR_RETURN(const auto exponent, IfAnswered(ReadBytes(session, key, CKA_PUBLIC_EXPONENT)));
    if (found == modulus && exponent) exponents.insert(*exponent);
  }
  if (!exponents.empty()) return exponents;
  ASSIGN_OR_RETURN(const auto certified, CertifiedKeys(session, object));
  for (const EvpPkeyPtr& key : certified) {
    const auto exponent = BignumOf(*key, OSSL_PKEY_PARAM_RSA_E);
    if (exponent && BignumOf(*key, OSSL_PKEY_PARAM_RSA_N) == modulus) exponents.insert(*exponent);
  }
  return exponents;
}

// The points of the curve that share the object's CKA_ID.
absl::StatusOr<std::set<std::string>> RelatedPoints(const Session& session, CK_OBJECT_HANDLE object,
                                                    const EC_GROUP& group) {
  std::set<std::string> points;
  ASSIGN_OR_RETURN(const auto public_keys, FindRelated(session, object, CKO_PUBLIC_KEY));
  for (const CK_OBJECT_HANDLE key : public_keys) {
    ASSIGN_OR_RETURN(const auto value, IfAnswered(ReadBytes(session, key, CKA_EC_POINT)));
    if (!value) continue;
    if (auto point = UnwrapPoint(group, *value)) points.insert(*std::move(point));
  }
  if (!points.empty()) return points;
  ASSIGN_OR_RETURN(const auto certified, CertifiedKeys(session, object));
  for (const EvpPkeyPtr& key : certified) {
    uint8_t* octets = nullptr;
    const size_t length = EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_EC
                              ? EVP_PKEY_get1_encoded_public_key(key.get(), &octets)
                              : 0;
    if (auto point = Uncompressed(group, octets, length)) points.insert(*std::move(point));
    OPENSSL_free(octets);
  }
  return points;
}

absl::StatusOr<std::string> TheOne(const absl::StatusOr<std::set<std::string>>& found) {
  RETURN_IF_ERROR(found.status());
  if (found->size() == 1) return *found->begin();
  return absl::FailedPreconditionError(
      found->empty() ? "the token has neither a public key nor a certificate of the private key's "
                       "CKA_ID, so its public half is not known"
                     : "the token has several public keys of the private key's CKA_ID; which is "
                       "its public half is not known");
}

absl::StatusOr<PublicKeyValue> ReadRsa(const Session& session, CK_OBJECT_HANDLE object) {
  PublicKeyValue key{.type = CKK_RSA};
  ASSIGN_OR_RETURN(key.modulus, ReadBytes(session, object, CKA_MODULUS));
  ASSIGN_OR_RETURN(const auto exponent,
                   IfAnswered(ReadBytes(session, object, CKA_PUBLIC_EXPONENT)));
  if (exponent && !exponent->empty()) {
    key.public_exponent = *exponent;
    return key;
  }
  ASSIGN_OR_RETURN(key.public_exponent, TheOne(RelatedExponents(session, object, key.modulus)));
  return key;
}

absl::StatusOr<PublicKeyValue> ReadEc(const Session& session, CK_OBJECT_HANDLE object) {
  PublicKeyValue key{.type = CKK_EC};
  ASSIGN_OR_RETURN(key.ec_params, ReadBytes(session, object, CKA_EC_PARAMS));
  ASSIGN_OR_RETURN(const GroupPtr group, ParseCurve(key.ec_params));
  ASSIGN_OR_RETURN(const auto value, IfAnswered(ReadBytes(session, object, CKA_EC_POINT)));
  if (value && !value->empty()) {
    std::optional<std::string> point = UnwrapPoint(*group, *value);
    if (!point) {
      return absl::FailedPreconditionError(
          "the CKA_EC_POINT of the key on the token is not a point of its curve");
    }
    key.ec_point = *std::move(point);
    return key;
  }
  ASSIGN_OR_RETURN(key.ec_point, TheOne(RelatedPoints(session, object, *group)));
  return key;
}

}  // namespace

absl::StatusOr<PublicKeyValue> ReadPublicKey(const Session& session, CK_OBJECT_HANDLE object) {
  ASSIGN_OR_RETURN(const CK_OBJECT_CLASS object_class, ReadUlong(session, object, CKA_CLASS));
  if (object_class != CKO_PRIVATE_KEY && object_class != CKO_PUBLIC_KEY) {
    return absl::FailedPreconditionError("the object on the token is not a key pair's half");
  }
  ASSIGN_OR_RETURN(const CK_KEY_TYPE type, ReadUlong(session, object, CKA_KEY_TYPE));
  if (type == CKK_RSA) return ReadRsa(session, object);
  if (type == CKK_EC) return ReadEc(session, object);
  return absl::FailedPreconditionError("the key on the token is neither RSA nor EC");
}

}  // namespace keyward::pkcs11
