#include "tests/standin/token_endpoint.h"

#include <httplib.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "tests/standin/form.h"
#include "tests/standin/grant.h"
#include "tests/standin/http.h"
#include "tests/standin/ip_range.h"
#include "tests/standin/jwt_verifier.h"

namespace keyward::standin {
namespace {

constexpr char kPath[] = "/services/oauth2/token";
constexpr char kGrantType[] = "urn:ietf:params:oauth:grant-type:jwt-bearer";

constexpr RefusalRow kMustPost{"", 400, "invalid_request", "must use HTTP POST", ""};
constexpr RefusalRow kForm{"", 400, "invalid_request",
                           "send exactly grant_type and assertion in the body", ""};

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
  if (!exact) return kForm;
  return std::nullopt;
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

bool Contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// Is the app installed where the request was sent to?
bool IsInstalledAt(const AppSettings& app, const std::string& origin) {
  if (app.login_hosts.empty()) return true;
  absl::string_view host = absl::StripPrefix(origin, "https://");
  host = host.substr(0, host.rfind(':'));
  return Contains(app.login_hosts, absl::AsciiStrToLower(host));
}

// Is the assertion the app's own, and meant for here and now?
std::optional<Refusal> CheckAssertion(const Jwt& jwt, const std::optional<App>& app,
                                      const std::vector<std::string>& audiences,
                                      const std::string& origin, absl::Time now) {
  if (jwt.algorithm != "RS256") return kInvalidAssertion;
  if (!app.has_value()) return kClientInvalid;
  if (!IsInstalledAt(app->settings, origin)) return kAppNotFound;
  if (!app->certificate.has_value()) return kInvalidAssertion;
  if (!VerifyRs256(jwt, app->certificate->public_key.get())) return kInvalidAssertion;
  const std::vector<std::string>& own = app->settings.audiences;
  if (!jwt.audience.has_value() ||
      !IsAudience(*jwt.audience, own.empty() ? audiences : own, origin)) {
    return kAudienceInvalid;
  }
  if (!jwt.expiry.has_value() || *jwt.expiry <= absl::ToUnixSeconds(now)) return kExpired;
  return std::nullopt;
}

bool IsApproved(const AppSettings& app, const std::string& username, const User& user) {
  if (Contains(app.users, username)) return true;
  if (!app.admin_approved) return false;
  return Contains(app.profiles, user.profile) ||
         std::any_of(user.permission_sets.begin(), user.permission_sets.end(),
                     [&](const std::string& set) { return Contains(app.permission_sets, set); });
}

// May this user log in through this app, from this address?
std::optional<Refusal> CheckUser(const AppSettings& app, const std::string& username,
                                 const std::optional<User>& user, const std::string& address) {
  if (!user.has_value()) return kNotApproved;
  if (!user->active || user->frozen) return kInactive;
  if (!IsApproved(app, username, *user)) {
    return app.admin_approved ? kNotAdminApproved : kNotApproved;
  }
  if (!app.relax_ip && !InIpRanges(address, user->ip_ranges)) return kIpRestricted;
  if (app.scopes.empty()) return kNoScopes;
  return std::nullopt;
}

class TokenEndpoint {
 public:
  TokenEndpoint(const Parts& parts, std::vector<std::string> audiences)
      : parts_(parts), audiences_(std::move(audiences)) {}

  void Handle(const httplib::Request& request, httplib::Response& response,
              JournalEntry& entry) const {
    const std::optional<Refusal> refusal = Decide(request, response, entry);
    if (!refusal.has_value()) return;
    Answer(response, refusal->status,
           {{"error", refusal->error}, {"error_description", refusal->description}});
    entry.error = refusal->error;
    entry.description = refusal->description;
  }

 private:
  // Fills `response` when nothing is wrong, `entry` as far as it gets.
  std::optional<Refusal> Decide(const httplib::Request& request, httplib::Response& response,
                                JournalEntry& entry) const {
    State& state = parts_.state;
    std::string assertion;
    if (auto refusal = ReadForm(request, assertion)) return refusal;
    const absl::StatusOr<Jwt> jwt = ParseJwt(assertion);
    if (!jwt.ok()) return kInvalidAssertion;
    Note(*jwt, entry);
    if (auto ordered = parts_.refusals.Take(entry.issuer, entry.subject)) return ordered;
    const std::optional<App> app = state.propagation().Find(entry.issuer, entry.server);
    const std::string origin = OriginOf(request);
    if (auto refusal = CheckAssertion(*jwt, app, audiences_, origin, state.clock())) return refusal;
    const std::optional<User> user = state.FindUser(entry.subject);
    if (auto refusal = CheckUser(app->settings, entry.subject, user, request.remote_addr)) {
      return refusal;
    }
    if (!state.login_rate().Count(entry.subject, state.limits().logins_per_hour, state.now())) {
      return kRateExceeded;
    }
    response.set_header("Cache-Control", "no-cache, no-store");
    Answer(response, 200, Grant(state, *app, entry.subject, *user, origin));
    return std::nullopt;
  }

  void Note(const Jwt& jwt, JournalEntry& entry) const {
    entry.issuer = jwt.issuer.value_or("");
    entry.subject = jwt.subject.value_or("");
    entry.audience = jwt.audience.value_or("");
    entry.key_id = jwt.key_id;
    if (!jwt.expiry.has_value()) return;
    // An exp may be anything, also one from which nothing can be taken.
    const absl::Duration left = absl::FromUnixSeconds(*jwt.expiry) - parts_.state.clock();
    entry.expires_in = absl::ToInt64Seconds(left);
  }

  const Parts parts_;
  const std::vector<std::string> audiences_;
};

}  // namespace

void ServeTokenEndpoint(httplib::Server& server, const Parts& parts,
                        std::vector<std::string> audiences) {
  const auto endpoint = std::make_shared<const TokenEndpoint>(parts, std::move(audiences));
  const httplib::Server::Handler handle =
      Endpoint(parts, kPath,
               [endpoint](const httplib::Request& request, httplib::Response& response,
                          JournalEntry& entry) { endpoint->Handle(request, response, entry); });
  server.Post(kPath, handle);
  server.Get(kPath, handle);
  server.Put(kPath, handle);
  server.Patch(kPath, handle);
  server.Delete(kPath, handle);
}

}  // namespace keyward::standin
