// keyward token
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/claims_for_connection.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "client/exchange_client.h"
#include "client/retry.h"
#include "client/token_exchange.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

struct Options {
  std::string name;
  ClaimsChoice choice;
  bool json = false;
  bool header = false;
};

// How long the command goes on trying while that may help.
constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr RetryPolicy kRetries = {
    .max_attempts = 6, .initial_backoff = absl::Milliseconds(500), .max_backoff = absl::Seconds(5)};

// Before anything is signed for it.
absl::Status CheckLoginHost(const HttpsClient& https, const std::string& login_url) {
  const absl::Status status = https.hosts().Check(login_url).status();
  if (ReasonOf(status) != "LOGIN_HOST_NOT_ALLOWED") return status;
  return Error(status.code(), "LOGIN_HOST_NOT_ALLOWED",
               absl::StrCat(status.message(),
                            " (--private-login-hosts localhost, for one on this machine)"));
}

absl::StatusOr<AccessToken> ExchangeWithRetries(TokenExchange& exchange,
                                                const std::string& login_url,
                                                const Secret& assertion) {
  // One assertion serves every try: it is good for longer than they take.
  const absl::Time deadline = absl::Now() + kPatience;
  absl::StatusOr<AccessToken> granted;
  CallWithRetries(kRetries, deadline, [&] {
    granted = exchange.Exchange(login_url, assertion, deadline);
    // More often a mistake in the login URL than something that passes.
    if (ReasonOf(granted.status()) == "LOGIN_HOST_UNKNOWN") return absl::OkStatus();
    return granted.status();
  }).IgnoreError();
  return granted;
}

absl::StatusOr<AccessToken> ExchangeByService(const Cli& cli, const Options& options) {
  ASSIGN_OR_RETURN(const auto service, ConnectToExchange(cli));
  ExchangeOptions exchange_options;
  exchange_options.subject = options.choice.subject;
  exchange_options.deadline = absl::Now() + kPatience;
  ASSIGN_OR_RETURN(ExchangedToken token, service->Exchange(options.name, exchange_options));
  return std::move(token.granted);
}

absl::StatusOr<AccessToken> ExchangeBySigner(const Cli& cli, const Options& options) {
  ASSIGN_OR_RETURN(const std::shared_ptr<HttpsClient> https, NewHttpsClient(cli));
  ASSIGN_OR_RETURN(const auto exchange, TokenExchange::New(https));
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const v1::Connection connection, signer->GetConnection(options.name));
  RETURN_IF_ERROR(CheckLoginHost(*https, connection.login_url()));
  ASSIGN_OR_RETURN(const std::string claims, ClaimsFor(connection, options.choice));
  ASSIGN_OR_RETURN(const Assertion assertion, signer->Sign(options.name, claims));
  return ExchangeWithRetries(*exchange, connection.login_url(), assertion.jws);
}

absl::StatusOr<AccessToken> Exchange(const Cli& cli, const Options& options) {
  ASSIGN_OR_RETURN(const Settings settings, LoadTokenSettings(cli));
  return settings.exchange.empty() ? ExchangeBySigner(cli, options)
                                   : ExchangeByService(cli, options);
}

absl::Status Token(const Cli& cli, const Options& options) {
  if (options.header && cli.json()) {
    return UsageError("--header and --output json exclude each other");
  }
  ASSIGN_OR_RETURN(const AccessToken granted, Exchange(cli, options));
  if (options.json || cli.json()) {
    return PrintJson({{"access_token", std::string(granted.token.Expose())},
                      {"token_type", "Bearer"},
                      {"instance_url", granted.instance_url},
                      {"id", granted.id},
                      {"scope", granted.scope}});
  }
  return Print(
      absl::StrCat(options.header ? "Authorization: Bearer " : "", granted.token.Expose(), "\n"));
}

}  // namespace

void AddTokenCommand(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<Options>();
  CLI::App& token = AddVerb(app, cli, "token", "Exchange an assertion and print the access token",
                            "curl --header @<(keyward token acme --header) https://...",
                            [&cli, options] { return Token(cli, *options); });
  token.add_option("NAME", options->name, "the connection's name")->required();
  token.add_option("--subject", options->choice.subject,
                   "Salesforce user; without it the connection's only one");
  CLI::Option* json = token.add_flag("--json", options->json, "the whole answer, as JSON");
  token.add_flag("--header", options->header, "as an HTTP header line, for curl")->excludes(json);
}

}  // namespace keyward::client
