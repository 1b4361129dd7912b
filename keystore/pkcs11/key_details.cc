#include "keystore/pkcs11/key_details.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/object_finder.h"
#include "keystore/pkcs11/public_key.h"

namespace keyward::pkcs11 {
namespace {

absl::Status NotOnToken(absl::string_view sentence) {
  return Error(absl::StatusCode::kNotFound, "KEY_NOT_ON_TOKEN", sentence);
}

constexpr absl::string_view kOwnLabels = "keyward/";

absl::Status Ambiguous(absl::string_view sentence) {
  return Error(absl::StatusCode::kFailedPrecondition, "KEY_AMBIGUOUS", sentence);
}

absl::Status UriInvalid(absl::string_view sentence) {
  return Error(absl::StatusCode::kInvalidArgument, "KEY_URI_INVALID", sentence);
}

absl::Status NotAdoptable(absl::string_view sentence) {
  return Error(absl::StatusCode::kFailedPrecondition, "KEY_NOT_ADOPTABLE", sentence);
}

// What says that the key is not fit gets the reason; what the token says of itself
// stays as it is.
absl::Status AsNotAdoptable(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) && !CkRvOf(status) ? NotAdoptable(status.message())
                                                               : status;
}

absl::StatusOr<CK_TOKEN_INFO> TokenInfoOf(const Session& session) {
  CK_SESSION_INFO opened{};
  RETURN_IF_ERROR(CkStatus(session.functions().C_GetSessionInfo(session.handle(), &opened),
                           "C_GetSessionInfo"));
  CK_TOKEN_INFO token{};
  RETURN_IF_ERROR(
      CkStatus(session.functions().C_GetTokenInfo(opened.slotID, &token), "C_GetTokenInfo"));
  return token;
}

size_t BitsOf(absl::string_view big_endian) {
  const size_t zeros = std::min(big_endian.find_first_not_of('\0'), big_endian.size());
  big_endian.remove_prefix(zeros);
  if (big_endian.empty()) return 0;
  return 8 * (big_endian.size() - 1) +
         std::bit_width(static_cast<unsigned int>(static_cast<uint8_t>(big_endian.front())));
}

absl::StatusOr<std::optional<std::string>> GenerationMechanism(const Session& session,
                                                               CK_OBJECT_HANDLE key) {
  ASSIGN_OR_RETURN(const auto mechanism,
                   IfAnswered(ReadUlong(session, key, CKA_KEY_GEN_MECHANISM)));
  if (!mechanism || *mechanism == CK_UNAVAILABLE_INFORMATION) return std::optional<std::string>();
  switch (*mechanism) {
    case CKM_RSA_PKCS_KEY_PAIR_GEN:
      return "CKM_RSA_PKCS_KEY_PAIR_GEN";
    case CKM_RSA_X9_31_KEY_PAIR_GEN:
      return "CKM_RSA_X9_31_KEY_PAIR_GEN";
    case CKM_EC_KEY_PAIR_GEN:
      return "CKM_EC_KEY_PAIR_GEN";
    default:
      return absl::StrCat("CKM_0x", absl::Hex(*mechanism));
  }
}

absl::Status CheckUri(const Session& session, const ObjectUri& uri) {
  if (uri.module_path() || uri.pin_source() || uri.pin_value()) {
    return UriInvalid(
        "the URI has module-path, pin-source or pin-value; the signer's configuration has its "
        "own, so leave out what follows the question mark");
  }
  if (uri.object_class().value_or(CKO_PRIVATE_KEY) != CKO_PRIVATE_KEY) {
    return UriInvalid("the URI means no private key; write type=private or leave the type out");
  }
  ASSIGN_OR_RETURN(const CK_TOKEN_INFO token, TokenInfoOf(session));
  if (!uri.MatchesToken(token)) {
    return UriInvalid("the URI names another token than the one that the signer is configured for");
  }
  return absl::OkStatus();
}

bool IsWithin(const AdoptionScope& scope, absl::string_view label) {
  if (absl::StartsWith(label, kOwnLabels)) return false;
  return std::any_of(scope.labels.begin(), scope.labels.end(), [label](absl::string_view allowed) {
    return absl::ConsumeSuffix(&allowed, "*") ? absl::StartsWith(label, allowed) : label == allowed;
  });
}

absl::StatusOr<CK_OBJECT_HANDLE> FindRsaKey(const Session& session, const ObjectUri& uri,
                                            const AdoptionScope& scope) {
  ObjectTemplate wanted = uri.object_template();
  wanted.object_class = CKO_PRIVATE_KEY;
  ASSIGN_OR_RETURN(const std::vector<CK_OBJECT_HANDLE> matching, FindObjects(session, wanted));
  std::vector<CK_OBJECT_HANDLE> keys;
  for (const CK_OBJECT_HANDLE key : matching) {
    ASSIGN_OR_RETURN(const auto label, IfAnswered(ReadBytes(session, key, CKA_LABEL)));
    if (IsWithin(scope, label.value_or(""))) keys.push_back(key);
  }
  if (keys.empty()) {
    return NotOnToken(
        "no private key on the token that may be adopted matches the URI; check its object and its "
        "id, and token.adoptable_labels in signer.yaml; keys that Keyward made never may");
  }
  std::vector<CK_OBJECT_HANDLE> rsa;
  for (const CK_OBJECT_HANDLE key : keys) {
    ASSIGN_OR_RETURN(const CK_KEY_TYPE type, ReadUlong(session, key, CKA_KEY_TYPE));
    if (type == CKK_RSA) rsa.push_back(key);
  }
  if (rsa.size() == 1) return rsa.front();
  if (rsa.empty()) {
    return NotAdoptable("the key that the URI means is not an RSA key; only RSA keys are adopted");
  }
  return Ambiguous(absl::StrCat(rsa.size(),
                                " private keys on the token match the URI; add id=… "
                                "so that it means one"));
}

// The key's CKA_ID, which must lead to it and to nothing else.
absl::StatusOr<std::string> OwnKeyId(const Session& session, CK_OBJECT_HANDLE key) {
  ASSIGN_OR_RETURN(const auto key_id, IfAnswered(ReadBytes(session, key, CKA_ID)));
  if (!key_id || key_id->empty()) {
    return NotAdoptable("the key has no CKA_ID; give it one that no other key on the token has");
  }
  ASSIGN_OR_RETURN(const auto same, FindObjectsById(session, CKO_PRIVATE_KEY, *key_id));
  if (same.size() != 1) {
    return NotAdoptable(
        "another private key on the token has the same CKA_ID; each key needs its own");
  }
  return *key_id;
}

}  // namespace

absl::StatusOr<KeyDetails> ReadKeyDetails(const Session& session, absl::string_view key_id) {
  ASSIGN_OR_RETURN(const auto keys, FindObjectsById(session, CKO_PRIVATE_KEY, key_id));
  if (keys.empty()) return NotOnToken("the key is not on the token");
  if (keys.size() > 1) {
    return Ambiguous("the token has several private keys of this CKA_ID; one of them must go");
  }
  const CK_OBJECT_HANDLE key = keys.front();
  KeyDetails details{.key_id = std::string(key_id)};
  ASSIGN_OR_RETURN(auto label, IfAnswered(ReadBytes(session, key, CKA_LABEL)));
  details.label = std::move(label).value_or("");
  ASSIGN_OR_RETURN(details.key_type, ReadUlong(session, key, CKA_KEY_TYPE));
  if (details.key_type == CKK_RSA) {
    ASSIGN_OR_RETURN(const auto modulus, IfAnswered(ReadBytes(session, key, CKA_MODULUS)));
    if (modulus) details.modulus_bits = BitsOf(*modulus);
  }
  ASSIGN_OR_RETURN(details.attributes, ReadKeyAttributes(session, key));
  ASSIGN_OR_RETURN(details.generation_mechanism, GenerationMechanism(session, key));
  ASSIGN_OR_RETURN(const CK_TOKEN_INFO token, TokenInfoOf(session));
  details.uri = FormatObjectUri(token, details.label, key_id, CKO_PRIVATE_KEY);
  return details;
}

absl::StatusOr<AdoptableKey> FindKeyForAdoption(const Session& session, const ObjectUri& uri,
                                                const AdoptionScope& scope,
                                                const KeyRequirements& requirements) {
  RETURN_IF_ERROR(CheckUri(session, uri));
  AdoptableKey key;
  ASSIGN_OR_RETURN(key.handle, FindRsaKey(session, uri, scope));
  ASSIGN_OR_RETURN(key.key_id, OwnKeyId(session, key.handle));
  RETURN_IF_ERROR(AsNotAdoptable(CheckPrivateKey(session, key.handle, requirements)));
  absl::StatusOr<PublicKeyValue> public_key = ReadPublicKey(session, key.handle);
  RETURN_IF_ERROR(AsNotAdoptable(public_key.status()));
  key.modulus = std::move(public_key->modulus);
  key.public_exponent = std::move(public_key->public_exponent);
  return key;
}

}  // namespace keyward::pkcs11
