#include "tests/standin/jwt_verifier.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/openssl.h"
#include "common/status_macros.h"

namespace keyward::standin {
namespace {

using nlohmann::json;

// Abseil's decoder also takes padding, white space and loose trailing bits;
// only the canonical text comes out of its encoder again.
absl::StatusOr<std::string> DecodeBase64Url(absl::string_view text) {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(text, &bytes) || absl::WebSafeBase64Escape(bytes) != text) {
    return absl::InvalidArgumentError("a part is not base64url without padding");
  }
  return bytes;
}

absl::StatusOr<json> ParseObject(absl::string_view text) {
  // nlohmann::json keeps the last of two equal names, RFC 7519 section 4 lets
  // a reader refuse them: two readers must not see two subjects.
  std::set<std::string> names;
  bool repeated = false;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::key && depth == 1) {
      repeated |= !names.insert(parsed.get<std::string>()).second;
    }
    return true;
  };
  json object = json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (!object.is_object()) return absl::InvalidArgumentError("a part is not a JSON object");
  if (repeated) return absl::InvalidArgumentError("a name occurs twice");
  return object;
}

std::optional<std::string> StringMember(const json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_string()) return std::nullopt;
  return member->get<std::string>();
}

std::optional<int64_t> IntegerMember(const json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_number_integer()) return std::nullopt;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (member->is_number_unsigned() && member->get<uint64_t>() > uint64_t{kMax}) return kMax;
  return member->get<int64_t>();
}

}  // namespace

absl::StatusOr<Jwt> ParseJwt(absl::string_view compact) {
  const std::vector<absl::string_view> parts = absl::StrSplit(compact, '.');
  if (parts.size() != 3) return absl::InvalidArgumentError("not three parts");
  Jwt jwt;
  ASSIGN_OR_RETURN(const std::string header_text, DecodeBase64Url(parts[0]));
  ASSIGN_OR_RETURN(const std::string claims_text, DecodeBase64Url(parts[1]));
  ASSIGN_OR_RETURN(jwt.signature, DecodeBase64Url(parts[2]));
  ASSIGN_OR_RETURN(const json header, ParseObject(header_text));
  ASSIGN_OR_RETURN(const json claims, ParseObject(claims_text));
  // No extension is understood here, so RFC 7515 section 4.1.11 refuses.
  if (header.contains("crit")) return absl::InvalidArgumentError("the header has crit");
  jwt.algorithm = StringMember(header, "alg").value_or("");
  jwt.key_id = StringMember(header, "kid").value_or("");
  jwt.issuer = StringMember(claims, "iss");
  jwt.subject = StringMember(claims, "sub");
  jwt.audience = StringMember(claims, "aud");
  jwt.expiry = IntegerMember(claims, "exp");
  jwt.signing_input = absl::StrCat(parts[0], ".", parts[1]);
  return jwt;
}

bool VerifyRs256(const Jwt& jwt, EVP_PKEY* public_key) {
  const absl::Cleanup clear_errors = [] { ERR_clear_error(); };
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // owned by context
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<const uint8_t*>(text.data());
  };
  return context != nullptr && EVP_PKEY_get_base_id(public_key) == EVP_PKEY_RSA &&
         EVP_DigestVerifyInit(context.get(), &parameters, EVP_sha256(), nullptr, public_key) == 1 &&
         EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PADDING) == 1 &&
         EVP_DigestVerify(context.get(), bytes(jwt.signature), jwt.signature.size(),
                          bytes(jwt.signing_input), jwt.signing_input.size()) == 1;
}

}  // namespace keyward::standin
