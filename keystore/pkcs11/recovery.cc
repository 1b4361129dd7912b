#include "keystore/pkcs11/recovery.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>

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

absl::StatusOr<Generation> Begin(const Token& token, size_t size, const ExpectedKeys& keys,
                                 const KeyRequirements& requirements) {
  Generation generation;
  ASSIGN_OR_RETURN(generation.handles, FindKeyHandles(*token.held_session(), keys, requirements));
  ASSIGN_OR_RETURN(generation.sessions, OpenSessions(token, size));
  return generation;
}

absl::StatusOr<Generation> Reconnect(Token& token, size_t size, const ExpectedKeys& keys,
                                     const KeyRequirements& requirements) {
  RETURN_IF_ERROR(token.Reconnect());
  ASSIGN_OR_RETURN(Generation generation, Begin(token, size, keys, requirements));
  if (!FoundAny(generation.handles)) {
    return absl::UnavailableError("none of the keys is found any more");
  }
  return generation;
}

}  // namespace

absl::StatusOr<std::vector<Session>> OpenSessions(const Token& token, size_t size) {
  std::vector<Session> sessions;
  while (sessions.size() < size) {
    absl::StatusOr<Session> session = token.OpenSession();
    if (!session.ok()) {
      // The token's own limit is not an error, as long as it leaves us one.
      if (CkRvOf(session.status()) != CKR_SESSION_COUNT || sessions.empty()) {
        return session.status();
      }
      spdlog::warn("token: allows {} sessions for signing, {} were configured", sessions.size(),
                   size);
      break;
    }
    sessions.push_back(*std::move(session));
  }
  return sessions;
}

absl::StatusOr<Generation> Recovery::Climb(Token& token, size_t size, const ExpectedKeys& keys,
                                           const KeyRequirements& requirements) {
  absl::StatusOr<Generation> generation = Reconnect(token, size, keys, requirements);
  if (generation.ok() || IsPinError(generation.status())) return generation;
  const absl::Time now = absl::Now();
  if (now < next_reload_) return generation;
  next_reload_ = now + reload_interval_;
  spdlog::warn("token: reconnecting did not help ({}); loading the module again",
               std::string(generation.status().message()));
  RETURN_IF_ERROR(token.Reload());
  // The keys may really be gone, so what is found now is believed.
  return Begin(token, size, keys, requirements);
}

absl::StatusOr<Generation> Recovery::Run(Token& token, size_t size, const ExpectedKeys& keys,
                                         const KeyRequirements& requirements) {
  absl::StatusOr<Generation> generation = Climb(token, size, keys, requirements);
  if (generation.ok()) {
    spdlog::info("token: works again");
    return generation;
  }
  next_attempt_ =
      IsPinError(generation.status()) ? absl::InfiniteFuture() : absl::Now() + retry_interval_;
  spdlog::error("token: does not work: {}", std::string(generation.status().message()));
  return generation;
}

}  // namespace keyward::pkcs11
