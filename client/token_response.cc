#include "client/token_response.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/login_host_answer.h"
#include "client/salesforce_error.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/utf8.h"

namespace keyward::client {
namespace {

using Json = nlohmann::json;

// Longer texts are cut in error messages.
constexpr size_t kMaxShownBytes = 500;
// A year in four digits ends there (RFC 3339), and so does what a Timestamp may say.
constexpr double kLatestExpiry = 253402300799.0;

absl::Status Malformed(absl::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, "RESPONSE_MALFORMED",
               absl::StrCat("the login host's answer ", message,
                            "; check that the login URL is a Salesforce one"));
}

std::optional<Json> ParseObject(absl::string_view text) {
  std::optional<Json> json = ParseAnswer(text);
  if (json && !json->is_object()) json.reset();
  return json;
}

// The member `name`, empty where it is not there.
absl::StatusOr<std::string> TakeText(Json& json, const char* name, bool required) {
  const auto found = json.find(name);
  if (found == json.end()) {
    return required ? absl::StatusOr<std::string>(Malformed(absl::StrCat("has no ", name))) : "";
  }
  auto* text = found->get_ptr<std::string*>();
  if (text == nullptr) return Malformed(absl::StrCat("has a ", name, " that is not a string"));
  if (required && text->empty()) return Malformed(absl::StrCat("has an empty ", name));
  return std::move(*text);
}

bool IsPrintableAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); });
}

// One part of a JWT that is a JSON object.
std::optional<Json> ReadJwtPart(absl::string_view part) {
  std::string text;
  const absl::Cleanup wipe = [&text] { WipeString(text); };
  if (part.empty() || !absl::WebSafeBase64Unescape(part, &text)) return std::nullopt;
  return ParseObject(text);
}

// The `exp` (RFC 7519 section 4.1.4) of a token that is a JWT, nothing for any other.
std::optional<absl::Time> ExpiryOf(absl::string_view token) {
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  if (parts.size() != 3 || parts[2].empty() || !ReadJwtPart(parts[0])) return std::nullopt;
  const std::optional<Json> claims = ReadJwtPart(parts[1]);
  if (!claims) return std::nullopt;
  const auto found = claims->find("exp");
  if (found == claims->end() || !found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  if (!(seconds >= 0 && seconds <= kLatestExpiry)) return std::nullopt;
  return absl::UnixEpoch() + absl::Seconds(static_cast<int64_t>(seconds));
}

absl::StatusOr<AccessToken> ReadGrant(const Secret& body) {
  std::optional<Json> json = ParseObject(body.Expose());
  if (!json) return Malformed("is not a JSON object");
  AccessToken granted;
  // First, so that every later return leaves the text wiped.
  const auto found = json->find("access_token");
  auto* token = found == json->end() ? nullptr : found->get_ptr<std::string*>();
  if (token == nullptr) return Malformed("has no access_token that is a string");
  granted.token = Secret(std::move(*token));
  // RFC 6750 section 2.1: it goes into a header as it is.
  if (granted.token.empty() || !IsPrintableAscii(granted.token.Expose())) {
    return Malformed("has an access_token that cannot be one");
  }
  ASSIGN_OR_RETURN(const std::string type, TakeText(*json, "token_type", true));
  if (!absl::EqualsIgnoreCase(type, "Bearer")) {
    return Malformed("has a token_type other than Bearer");
  }
  ASSIGN_OR_RETURN(granted.instance_url, TakeText(*json, "instance_url", true));
  if (!absl::StartsWith(granted.instance_url, "https://") ||
      !IsPrintableAscii(granted.instance_url)) {
    return Malformed("has an instance_url that is not an https URL");
  }
  ASSIGN_OR_RETURN(granted.id, TakeText(*json, "id", false));
  ASSIGN_OR_RETURN(granted.scope, TakeText(*json, "scope", false));
  granted.expires = ExpiryOf(granted.token.Expose());
  return granted;
}

// Fit to be shown: nothing of the assertion, nothing that plays with a terminal, well-formed UTF-8
// (which a gRPC message must be), not endless.
std::string Presentable(absl::string_view text, const Secret& assertion) {
  std::string shown(text);
  for (const absl::string_view part : absl::StrSplit(assertion.Expose(), '.')) {
    if (!part.empty()) absl::StrReplaceAll({{part, "[removed]"}}, &shown);
  }
  shown = Printable(shown);
  if (shown.size() <= kMaxShownBytes) return shown;
  size_t end = kMaxShownBytes;
  // Not inside a character (RFC 3629 section 3).
  while ((static_cast<unsigned char>(shown[end]) & 0xC0) == 0x80) --end;
  shown.resize(end);
  return absl::StrCat(shown, "...");
}

// Adds the answer's status, for the circuit of its host, and when to come back.
absl::Status WithStatusAndRetryAfter(absl::Status status, const HttpsAnswer& answer) {
  return WithRetryAfter(
      WithMetadata(std::move(status), kHttpStatusKey, absl::StrCat(answer.status)), answer);
}

absl::Status ReadRefusal(const HttpsAnswer& answer, const Secret& assertion) {
  std::optional<Json> json = ParseObject(answer.body.Expose());
  if (!json) return Malformed(absl::StrCat("has status ", answer.status, " and no JSON object"));
  ASSIGN_OR_RETURN(const std::string error, TakeText(*json, "error", true));
  ASSIGN_OR_RETURN(const std::string description, TakeText(*json, "error_description", false));
  return WithStatusAndRetryAfter(
      MakeSalesforceError({Presentable(error, assertion), Presentable(description, assertion)}),
      answer);
}

}  // namespace

absl::StatusOr<AccessToken> ReadTokenResponse(const HttpsAnswer& answer, const Secret& assertion) {
  if (answer.status == 200) return ReadGrant(answer.body);
  if (answer.status >= 500 || answer.status == 429) {
    // What Salesforce says of one org is not what a host says that is down.
    absl::Status refusal = ReadRefusal(answer, assertion);
    if (absl::IsUnavailable(refusal)) return refusal;
    return WithStatusAndRetryAfter(Error(absl::StatusCode::kUnavailable, "SALESFORCE_TRANSIENT",
                                         absl::StrCat("the login host answered with status ",
                                                      answer.status, ": try again later")),
                                   answer);
  }
  if (answer.status >= 300 && answer.status < 400) {
    return Error(
        absl::StatusCode::kFailedPrecondition, "LOGIN_HOST_REDIRECTS",
        absl::StrCat("the login host redirects to '", Presentable(answer.location, assertion),
                     "' and that is not followed: set the connection's login URL to the "
                     "org's own host"));
  }
  return ReadRefusal(answer, assertion);
}

}  // namespace keyward::client
