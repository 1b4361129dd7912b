#include "keystore/pkcs11/key_handles.h"

#include <utility>
#include <vector>

#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/object_finder.h"

namespace keyward::pkcs11 {
namespace {

absl::StatusOr<std::vector<FoundKey>> FindWanted(const Session& session, const ExpectedKeys& keys) {
  std::vector<FoundKey> found;
  if (keys.empty()) return found;
  if (keys.size() > 1) {
    // One search for all: each may read every object of the token.
    ASSIGN_OR_RETURN(found, FindPrivateKeys(session));
    std::erase_if(found, [&](const FoundKey& key) { return !keys.contains(key.key_id); });
    return found;
  }
  const std::string& key_id = keys.begin()->first;
  ASSIGN_OR_RETURN(const auto handles, FindObjectsById(session, CKO_PRIVATE_KEY, key_id));
  for (const CK_OBJECT_HANDLE handle : handles) found.push_back({handle, key_id});
  return found;
}

absl::Status Check(const Session& session, const FoundKey& key, const std::string& modulus,
                   const KeyRequirements& requirements) {
  RETURN_IF_ERROR(CheckPrivateKey(session, key.handle, requirements));
  ASSIGN_OR_RETURN(const std::string found, ReadBytes(session, key.handle, CKA_MODULUS));
  if (found == modulus) return absl::OkStatus();
  return absl::FailedPreconditionError("the key on the token is not the certificate's");
}

}  // namespace

absl::StatusOr<KeyHandles> FindKeyHandles(const Session& session, const ExpectedKeys& keys,
                                          const KeyRequirements& requirements) {
  ASSIGN_OR_RETURN(const std::vector<FoundKey> found, FindWanted(session, keys));
  KeyHandles handles;
  for (const FoundKey& key : found) {
    auto [entry, first] = handles.try_emplace(key.key_id, key.handle);
    if (!first) {
      entry->second = absl::FailedPreconditionError(
          "the token has two private keys of this CKA_ID; one of them must go");
      continue;
    }
    const absl::Status checked = Check(session, key, keys.at(key.key_id), requirements);
    if (IsSessionFatal(checked)) return checked;
    if (!checked.ok()) entry->second = checked;
  }
  for (const auto& [key_id, modulus] : keys) {
    handles.try_emplace(key_id, absl::NotFoundError("the key is not on the token"));
  }
  return handles;
}

}  // namespace keyward::pkcs11
