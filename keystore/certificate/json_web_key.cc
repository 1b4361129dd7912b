#include "keystore/certificate/json_web_key.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "common/openssl.h"
#include "common/rsa_public_key.h"
#include "common/status_macros.h"
#include "common/utf8.h"

namespace keyward {
namespace {

// Keeps the members in the order in which they are written.
using Json = nlohmann::ordered_json;

// Standard base64 with padding, unlike everything else in JOSE (RFC 7517 section 4.7).
Json X5c(const VerificationKey& key) {
  Json certificates = Json::array({absl::Base64Escape(key.certificate_der)});
  for (const std::string& der : key.certificate_chain) {
    certificates.push_back(absl::Base64Escape(der));
  }
  return certificates;
}

std::string X5tS256(const VerificationKey& key) {
  const Sha256Digest digest = Sha256(key.certificate_der);
  return absl::WebSafeBase64Escape(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

absl::StatusOr<Json> ToJson(const VerificationKey& key) {
  if (!IsValidUtf8(key.algorithm) || !IsValidUtf8(key.kid)) {
    return absl::InvalidArgumentError("a JWK's alg and kid are UTF-8");
  }
  ASSIGN_OR_RETURN(const EvpPkeyPtr public_key, PublicKeyOfCertificate(key.certificate_der));
  ASSIGN_OR_RETURN(RsaJwkMembers members, RsaJwkMembersOf(*public_key));
  Json json;
  json["kty"] = "RSA";
  json["use"] = "sig";
  json["alg"] = key.algorithm;
  json["kid"] = key.kid;
  json["n"] = std::move(members.n);
  json["e"] = std::move(members.e);
  json["x5c"] = X5c(key);
  json["x5t#S256"] = X5tS256(key);
  return json;
}

}  // namespace

absl::StatusOr<std::string> JsonWebKey(const VerificationKey& key) {
  ASSIGN_OR_RETURN(const Json json, ToJson(key));
  return json.dump();
}

absl::StatusOr<std::string> JsonWebKeySet(absl::Span<const VerificationKey> keys) {
  Json set;
  Json& list = set["keys"] = Json::array();
  for (const VerificationKey& key : keys) {
    ASSIGN_OR_RETURN(Json json, ToJson(key));
    list.push_back(std::move(json));
  }
  return set.dump();
}

}  // namespace keyward
