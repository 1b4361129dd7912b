#include "tests/standin/token_endpoint.h"

#include <httplib.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "tests/standin/form.h"
#include "tests/standin/http.h"
#include "tests/standin/jwt_verifier.h"

namespace keyward::standin {
namespace {

constexpr char kPath[] = "/services/oauth2/token";
constexpr char kGrantType[] = "urn:ietf:params:oauth:grant-type:jwt-bearer";

struct Refusal {
  const char* error = "";
  const char* description = "";
};

constexpr Refusal kMustPost{"invalid_request", "must use HTTP POST"};
constexpr Refusal kForm{"invalid_request", "send exactly grant_type and assertion in the body"};
constexpr Refusal kGrantTypeUnsupported{"unsupported_grant_type", "grant type not supported"};
constexpr Refusal kInvalidAssertion{"invalid_grant", "invalid assertion"};
constexpr Refusal kClientInvalid{"invalid_client_id", "client identifier invalid"};
constexpr Refusal kAudienceInvalid{"invalid_grant", "audience is invalid"};
constexpr Refusal kExpired{"invalid_grant", "expired authorization code"};
constexpr Refusal kNotApproved{"invalid_grant", "user hasn't approved this consumer"};
constexpr Refusal kNotAdminApproved{"invalid_app_access",
                                    "user is not admin approved to access this app"};
constexpr Refusal kInactive{"invalid_grant", "inactive user"};
constexpr Refusal kNoScopes{"invalid_grant", "no valid scopes defined"};

// Puts the form's assertion into `assertion` when nothing is wrong.
std::optional<Refusal> ReadForm(const httplib::Request& request, std::string& assertion) {
  if (request.method != "POST") return kMustPost;
  // An assertion does not belong into a URL, which servers log.
  if (absl::StrContains(request.target, "?")) return kForm;
  const std::string type = request.get_header_value("Content-Type");
  const absl::string_view media_type =
      absl::StripAsciiWhitespace(absl::string_view(type).substr(0, type.find(';')));
  const auto form = ParseForm(request.body);
  if (!absl::EqualsIgnoreCase(media_type, "application/x-www-form-urlencoded") || !form.ok()) {
    return kGrantTypeUnsupported;
  }
  int assertions = 0;
  int grant_types = 0;
  for (const auto& [name, value] : *form) {
    if (name == "grant_type" && value != kGrantType) return kGrantTypeUnsupported;
    if (name == "grant_type") ++grant_types;
    if (name == "assertion") ++assertions;
    if (name == "assertion") assertion = value;
  }
  if (grant_types == 0) return kGrantTypeUnsupported;
  const bool exact = form->size() == 2 && grant_types == 1 && assertions == 1;
  return exact ? std::nullopt : std::optional(kForm);
}

bool IsAudience(absl::string_view audience, const std::vector<std::string>& configured,
                const std::string& origin) {
  const auto without_slash = [](absl::string_view text) { return absl::StripSuffix(text, "/"); };
  const std::vector<std::string>& allowed =
      configured.empty() ? std::vector<std::string>{"https://login.salesforce.com",
                                                    "https://test.salesforce.com", origin}
                         : configured;
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& one) {
    return without_slash(one) == without_slash(audience);
  });
}

// Is the assertion the app's own, and meant for here and now?
std::optional<Refusal> CheckAssertion(const Jwt& jwt, const std::optional<App>& app,
                                      const std::vector<std::string>& audiences,
                                      const std::string& origin, absl::Time now) {
  if (jwt.algorithm != "RS256") return kInvalidAssertion;
  if (!app.has_value()) return kClientInvalid;
  if (!app->certificate.has_value()) return kInvalidAssertion;
  if (!VerifyRs256(jwt, app->certificate->public_key.get())) return kInvalidAssertion;
  if (!jwt.audience.has_value() || !IsAudience(*jwt.audience, audiences, origin)) {
    return kAudienceInvalid;
  }
  if (!jwt.expiry.has_value() || *jwt.expiry <= absl::ToUnixSeconds(now)) return kExpired;
  return std::nullopt;
}

// May this user log in through this app?
std::optional<Refusal> CheckUser(const AppSettings& app, const std::string& username,
                                 const std::optional<User>& user) {
  if (!user.has_value()) return kNotApproved;
  if (!user->active) return kInactive;
  if (std::find(app.users.begin(), app.users.end(), username) == app.users.end()) {
    return app.admin_approved ? kNotAdminApproved : kNotApproved;
  }
  if (app.scopes.empty()) return kNoScopes;
  return std::nullopt;
}

class TokenEndpoint {
 public:
  TokenEndpoint(State& state, Journal& journal, std::vector<std::string> audiences)
      : state_(state), journal_(journal), audiences_(std::move(audiences)) {}

  void Handle(const httplib::Request& request, httplib::Response& response) const {
    JournalEntry entry{.time = state_.now(), .method = request.method, .endpoint = kPath};
    const std::optional<Refusal> refusal = Decide(request, response, entry);
    if (refusal.has_value()) {
      Answer(response, 400,
             {{"error", refusal->error}, {"error_description", refusal->description}});
      entry.error = refusal->error;
      entry.description = refusal->description;
    }
    entry.status = response.status;
    journal_.Add(std::move(entry));
  }

 private:
  // Fills `response` when nothing is wrong, `entry` as far as it gets.
  std::optional<Refusal> Decide(const httplib::Request& request, httplib::Response& response,
                                JournalEntry& entry) const {
    std::string assertion;
    if (auto refusal = ReadForm(request, assertion)) return refusal;
    const absl::StatusOr<Jwt> jwt = ParseJwt(assertion);
    if (!jwt.ok()) return kInvalidAssertion;
    entry.issuer = jwt->issuer.value_or("");
    entry.subject = jwt->subject.value_or("");
    const std::optional<App> app = state_.FindApp(entry.issuer);
    const std::string origin = OriginOf(request);
    if (auto refusal = CheckAssertion(*jwt, app, audiences_, origin, state_.now())) return refusal;
    const std::optional<User> user = state_.FindUser(entry.subject);
    if (auto refusal = CheckUser(app->settings, entry.subject, user)) return refusal;
    Grant(*app, entry.subject, *user, origin, response);
    return std::nullopt;
  }

  void Grant(const App& app, const std::string& username, const User& user,
             const std::string& origin, httplib::Response& response) const {
    const Secret token = state_.OpenSession(username, app.consumer_key);
    response.set_header("Cache-Control", "no-cache, no-store");
    // Salesforce sends no expires_in in this flow.
    Answer(response, 200,
           {{"access_token", std::string(token.Expose())},
            {"scope", absl::StrJoin(app.settings.scopes, " ")},
            {"instance_url", origin},
            {"id", absl::StrCat(origin, "/id/", state_.organization_id(), "/", user.id)},
            {"token_type", "Bearer"},
            {"issued_at", absl::StrCat(absl::ToUnixMillis(state_.now()))}});
  }

  State& state_;
  Journal& journal_;
  const std::vector<std::string> audiences_;
};

}  // namespace

void ServeTokenEndpoint(httplib::Server& server, State& state, Journal& journal,
                        std::vector<std::string> audiences) {
  const auto endpoint = std::make_shared<const TokenEndpoint>(state, journal, std::move(audiences));
  const auto handle = [endpoint](const httplib::Request& request, httplib::Response& response) {
    endpoint->Handle(request, response);
  };
  server.Post(kPath, handle);
  server.Get(kPath, handle);
  server.Put(kPath, handle);
  server.Patch(kPath, handle);
  server.Delete(kPath, handle);
}

}  // namespace keyward::standin
