// keyward token
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "client/claims_for_connection.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "client/token_exchange.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

struct Options {
  std::string name;
  ClaimsChoice choice;
  bool json = false;
  bool header = false;
};

absl::StatusOr<AccessToken> Exchange(const Cli& cli, const Options& options) {
  ASSIGN_OR_RETURN(const Settings settings, LoadSettings(cli.flags, cli.config_file));
  HttpsClientOptions https_options;
  https_options.ca_file = settings.https_ca;
  ASSIGN_OR_RETURN(std::shared_ptr<HttpsClient> https, HttpsClient::New(std::move(https_options)));
  ASSIGN_OR_RETURN(const auto exchange, TokenExchange::New(std::move(https)));
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const v1::Connection connection, signer->GetConnection(options.name));
  ASSIGN_OR_RETURN(const std::string claims, ClaimsFor(connection, options.choice));
  ASSIGN_OR_RETURN(const Assertion assertion, signer->Sign(options.name, claims));
  return exchange->Exchange(connection.login_url(), assertion.jws);
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
