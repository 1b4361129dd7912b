#include "client/test_connection/findings.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/claims.h"
#include "client/login_host_answer.h"
#include "common/error.h"
#include "common/utf8.h"

namespace keyward::client {
namespace {

// NTP keeps clocks within milliseconds; a minute off says that it does not run.
constexpr absl::Duration kNoticeableSkew = absl::Minutes(1);
constexpr size_t kMaxShownBytes = 200;
constexpr size_t kMaxReadableBytes = 600;

Finding Warning(absl::string_view reason, const std::string& detail) {
  return {v1::TestStep::WARNING, detail,
          Error(absl::StatusCode::kFailedPrecondition, reason, detail)};
}

Finding Refused(absl::string_view reason, const std::string& detail) {
  return Failed(Error(absl::StatusCode::kFailedPrecondition, reason, detail));
}

// The attributes that keep a key on its token and that an adopted one may lack.
std::vector<std::string> WeakAttributes(const v1::KeyVersionDetails& details) {
  constexpr std::pair<absl::string_view, bool> kExpected[] = {{"CKA_SENSITIVE", true},
                                                              {"CKA_EXTRACTABLE", false},
                                                              {"CKA_ALWAYS_SENSITIVE", true},
                                                              {"CKA_NEVER_EXTRACTABLE", true},
                                                              {"CKA_LOCAL", true}};
  std::vector<std::string> weak;
  for (const auto& attribute : details.attributes()) {
    for (const auto& [name, value] : kExpected) {
      if (attribute.name() != name || !attribute.has_value() || attribute.value() == value)
        continue;
      weak.push_back(absl::StrCat(attribute.name(), "=", attribute.value() ? "true" : "false"));
    }
  }
  return weak;
}

std::vector<absl::string_view> Scopes(absl::string_view scope) {
  return absl::StrSplit(scope, ' ', absl::SkipEmpty());
}

bool HasOneOf(absl::string_view scope, std::initializer_list<absl::string_view> wanted) {
  const std::vector<absl::string_view> granted = Scopes(scope);
  return std::any_of(wanted.begin(), wanted.end(), [&](absl::string_view one) {
    return std::find(granted.begin(), granted.end(), one) != granted.end();
  });
}

// What a REST error says, [{"errorCode": …, "message": …}], or what the OAuth endpoints
// say, {"error": …}; else nothing: a page of HTML helps nobody.
std::string ErrorOf(const HttpsAnswer& answer, const Secret& token) {
  const std::optional<nlohmann::json> json = ParseAnswer(answer.body.Expose());
  if (!json) return "";
  const nlohmann::json& error = json->is_array() && !json->empty() ? json->front() : *json;
  if (!error.is_object()) return "";
  std::vector<std::string> said;
  for (const char* name : {"errorCode", "error", "message", "error_description"}) {
    const auto member = error.find(name);
    if (member != error.end() && member->is_string()) said.push_back(member->get<std::string>());
  }
  // Taken out before it is cut, so that no part of it is left.
  const std::string clean =
      absl::StrReplaceAll(absl::StrJoin(said, ": "), {{token.Expose(), "[token]"}});
  return Shown(clean, kMaxShownBytes);
}

Finding JudgeUserInfo(const HttpsAnswer& answer) {
  const std::optional<nlohmann::json> json = ParseAnswer(answer.body.Expose());
  if (!json || !json->is_object()) {
    return Refused("API_ANSWER_UNEXPECTED",
                   "/services/oauth2/userinfo answers 200 without a JSON object.");
  }
  const auto organization = json->find("organization_id");
  if (organization == json->end() || !organization->is_string()) {
    return {v1::TestStep::PASSED, "The API takes the token.", absl::OkStatus()};
  }
  return {v1::TestStep::PASSED,
          absl::StrCat("The API takes the token, in the org ",
                       Shown(organization->get<std::string>()), "."),
          absl::OkStatus()};
}

}  // namespace

std::string Readable(absl::string_view text) {
  std::string shown = Printable(text);
  if (shown.size() <= kMaxReadableBytes) return shown;
  size_t end = kMaxReadableBytes;
  // Not before a continuation byte of UTF-8.
  while (end > 0 && (static_cast<unsigned char>(shown[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(shown.substr(0, end), " …");
}

Finding Failed(const absl::Status& problem) {
  return {v1::TestStep::FAILED, Readable(problem.message()), problem};
}

Finding JudgeKey(const v1::KeyVersionDetails& details) {
  const v1::KeyVersion& version = details.key_version();
  const std::string number = absl::StrCat("Key version ", version.number());
  if (version.state() == v1::KeyVersion::DISABLED) {
    return Refused("KEY_VERSION_DISABLED", absl::StrCat(number, " is DISABLED and signs nothing."));
  }
  if (version.state() == v1::KeyVersion::DESTROYED) {
    return Refused("KEY_VERSION_DESTROYED", absl::StrCat(number, " is DESTROYED."));
  }
  if (!details.refusal().empty()) {
    return Refused("KEY_REFUSED",
                   absl::StrCat(number, " is refused: ", Readable(details.refusal())));
  }
  const std::string found =
      absl::StrCat(number, " (", v1::KeyVersion::State_Name(version.state()), ", ",
                   version.algorithm(), ", ", version.key_bits(), " bits) is on the token");
  const std::vector<std::string> weak = WeakAttributes(details);
  if (!weak.empty()) {
    return {v1::TestStep::WARNING,
            absl::StrCat(found, ", adopted: ", absl::StrJoin(weak, ", "), "."), absl::OkStatus()};
  }
  if (details.token_certificate() == v1::KeyVersionDetails::DIFFERENT) {
    return {
        v1::TestStep::WARNING,
        absl::StrCat(found, "; the certificate beside it there is another one than the signer's."),
        absl::OkStatus()};
  }
  return {v1::TestStep::PASSED, absl::StrCat(found, " and cannot leave it."), absl::OkStatus()};
}

Finding JudgeClock(std::optional<absl::Duration> skew) {
  if (!skew) {
    return {v1::TestStep::WARNING, "The login host's answer has no Date to compare with.",
            absl::OkStatus()};
  }
  const int64_t seconds = absl::ToInt64Seconds(absl::AbsDuration(*skew));
  const bool behind = *skew < absl::ZeroDuration();
  // Date has whole seconds, and the answer took a while.
  if (seconds <= 2) {
    return {v1::TestStep::PASSED, "Our clock agrees with the login host's.", absl::OkStatus()};
  }
  const std::string detail = absl::StrCat("Our clock is ", seconds, " s ",
                                          behind ? "behind" : "ahead of", " the login host's.");
  if (behind && -*skew >= kDefaultAssertionLifetime) return Refused("CLOCK_WRONG", detail);
  if (absl::AbsDuration(*skew) > kNoticeableSkew) return Warning("CLOCK_WRONG", detail);
  return {v1::TestStep::PASSED, detail, absl::OkStatus()};
}

Finding JudgeApiAnswer(const HttpsAnswer& answer, const Secret& token) {
  if (answer.status == 200) return JudgeUserInfo(answer);
  const std::string said = ErrorOf(answer, token);
  const std::string detail = absl::StrCat("/services/oauth2/userinfo answers ", answer.status,
                                          said.empty() ? "" : ": ", said, ".");
  if (answer.status == 401) return Refused("API_TOKEN_REFUSED", detail);
  if (answer.status == 403) return Refused("API_ACCESS_DENIED", detail);
  if (answer.status == 429 || answer.status >= 500) {
    return Failed(WithRetryAfter(
        Error(absl::StatusCode::kUnavailable, "SALESFORCE_TRANSIENT", detail), answer));
  }
  return Refused("API_ANSWER_UNEXPECTED", detail);
}

bool AllowsApi(absl::string_view scope) { return HasOneOf(scope, {"api", "full"}); }

Finding JudgeScopes(absl::string_view scope) {
  if (Scopes(scope).empty()) {
    return {v1::TestStep::WARNING, "Salesforce did not say which scopes it granted.",
            absl::OkStatus()};
  }
  std::vector<std::string> missing;
  if (!AllowsApi(scope)) missing.emplace_back("api");
  if (!HasOneOf(scope, {"refresh_token", "offline_access"})) {
    missing.emplace_back("refresh_token, offline_access");
  }
  const std::string granted = Shown(absl::StrJoin(Scopes(scope), " "), kMaxShownBytes);
  if (missing.empty()) {
    return {v1::TestStep::PASSED, absl::StrCat("Granted: ", granted, "."), absl::OkStatus()};
  }
  const std::string detail =
      absl::StrCat("Granted: ", granted, ". Missing: ", absl::StrJoin(missing, "; "), ".");
  return AllowsApi(scope) ? Warning("SCOPES_MISSING", detail) : Refused("SCOPES_MISSING", detail);
}

}  // namespace keyward::client
