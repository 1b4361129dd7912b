#include "client/claims.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

constexpr size_t kMaxConsumerKeyBytes = 512;

absl::Status Invalid(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, "CLAIMS_INVALID", message);
}

absl::Status CheckText(absl::string_view name, absl::string_view text) {
  if (text.empty()) return Invalid(absl::StrCat("the ", name, " is empty"));
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); })) {
    return Invalid(absl::StrCat("the ", name, " has a control character in it"));
  }
  return absl::OkStatus();
}

absl::Status CheckConsumerKey(absl::string_view key) {
  RETURN_IF_ERROR(CheckText("consumer key", key));
  if (key.size() > kMaxConsumerKeyBytes) {
    return Invalid(
        absl::StrCat("the consumer key is longer than ", kMaxConsumerKeyBytes, " characters"));
  }
  if (!std::all_of(key.begin(), key.end(),
                   [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); })) {
    return Invalid("the consumer key must be printable ASCII without spaces");
  }
  return absl::OkStatus();
}

absl::Status CheckLifetime(absl::Duration lifetime) {
  if (lifetime < absl::Seconds(1) || lifetime > kMaxAssertionLifetime ||
      absl::Trunc(lifetime, absl::Seconds(1)) != lifetime) {
    return Invalid(absl::StrCat("the lifetime must be whole seconds from 1 to ",
                                absl::ToInt64Seconds(kMaxAssertionLifetime), ", not ",
                                absl::FormatDuration(lifetime)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> BuildClaims(const Claims& claims, absl::Time now) {
  RETURN_IF_ERROR(CheckConsumerKey(claims.consumer_key));
  RETURN_IF_ERROR(CheckText("subject", claims.subject));
  RETURN_IF_ERROR(CheckText("audience", claims.audience));
  RETURN_IF_ERROR(CheckLifetime(claims.lifetime));
  const nlohmann::ordered_json json = {
      {"iss", claims.consumer_key},
      {"sub", claims.subject},
      {"aud", claims.audience},
      {"exp", absl::ToUnixSeconds(now) + absl::ToInt64Seconds(claims.lifetime)}};
  std::string text;
  try {
    text = json.dump();
  } catch (const nlohmann::json::exception&) {
    return Invalid("the subject or the audience is not valid UTF-8");
  }
  if (text.size() > kMaxClaimsBytes) {
    return Invalid(absl::StrCat("the claims are ", text.size(),
                                " bytes long; a signer reads at most ", kMaxClaimsBytes));
  }
  return text;
}

}  // namespace keyward::client
