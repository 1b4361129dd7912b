#include "keystore/pkcs11/recovery.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/time/clock.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"

namespace keyward::pkcs11 {
namespace {

// A token that lost its objects still opens sessions and says that it is logged
// in; it only finds nothing any more.
bool FoundAny(const KeyHandles& handles) {
  return handles.empty() || std::any_of(handles.begin(), handles.end(), [](const auto& entry) {
           return !absl::IsNotFound(entry.second.status());
         });
}

absl::StatusOr<KeyHandles> ReconnectAndFind(Token& token, const std::set<std::string>& key_ids,
                                            const KeyRequirements& requirements) {
  RETURN_IF_ERROR(token.Reconnect());
  ASSIGN_OR_RETURN(KeyHandles handles,
                   FindKeyHandles(*token.held_session(), key_ids, requirements));
  if (!FoundAny(handles)) return absl::UnavailableError("none of the keys is found any more");
  return handles;
}

}  // namespace

absl::StatusOr<KeyHandles> Recovery::Climb(Token& token, const std::set<std::string>& key_ids,
                                           const KeyRequirements& requirements) {
  absl::StatusOr<KeyHandles> handles = ReconnectAndFind(token, key_ids, requirements);
  if (handles.ok() || IsPinError(handles.status())) return handles;
  const absl::Time now = absl::Now();
  if (now < next_reload_) return handles;
  next_reload_ = now + reload_interval_;
  spdlog::warn("token: reconnecting did not help ({}); loading the module again",
               std::string(handles.status().message()));
  RETURN_IF_ERROR(token.Reload());
  // The keys may really be gone, so what is found now is believed.
  return FindKeyHandles(*token.held_session(), key_ids, requirements);
}

absl::StatusOr<KeyHandles> Recovery::Run(Token& token, const std::set<std::string>& key_ids,
                                         const KeyRequirements& requirements) {
  absl::StatusOr<KeyHandles> handles = Climb(token, key_ids, requirements);
  if (handles.ok()) {
    spdlog::info("token: works again");
    return handles;
  }
  next_attempt_ =
      IsPinError(handles.status()) ? absl::InfiniteFuture() : absl::Now() + retry_interval_;
  spdlog::error("token: does not work: {}", std::string(handles.status().message()));
  return handles;
}

}  // namespace keyward::pkcs11
