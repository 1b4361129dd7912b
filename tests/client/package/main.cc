// Uses each public header of the installed client library once.
#include <keyward/client/claims.h>
#include <keyward/client/claims_for_connection.h>
#include <keyward/client/exchange_client.h>
#include <keyward/client/https/https_client.h>
#include <keyward/client/https/login_hosts.h>
#include <keyward/client/reloading_signer_client.h>
#include <keyward/client/salesforce_error.h>
#include <keyward/client/settings.h>
#include <keyward/client/signer_client.h>
#include <keyward/client/token_exchange.h>
#include <keyward/client/tokens/access_tokens.h>
#include <keyward/client/tokens/signer_login.h>
#include <keyward/client/tokens/thread_scheduler.h>
#include <keyward/common/error.h>

#include <iostream>

namespace {

bool Works() {
  const auto claims = keyward::client::BuildClaims({"key", "user", "https://login.salesforce.com"});
  const auto settings = keyward::client::LoadSettings(
      {}, "", [](const std::string&) { return std::optional<std::string>(); });
  const auto signer = keyward::client::SignerClient::New({});
  const auto reloading = keyward::client::ReloadingSignerClient::New({});
  const auto service = keyward::client::ExchangeClient::New({});
  const auto subject = keyward::client::SubjectOf({}, "");
  const auto hosts = keyward::client::LoginHosts::New({});
  std::shared_ptr<keyward::client::HttpsClient> https =
      keyward::client::HttpsClient::New({}).value();
  const auto tokens = keyward::client::AccessTokens::New({}, {});
  const auto exchange = keyward::client::TokenExchange::New(https);
  if (!claims.ok() || settings.ok() || signer.ok() || !hosts.ok() || !exchange.ok()) return false;
  const auto token =
      (*exchange)->Exchange("http://127.0.0.1", keyward::Secret(std::string("a.b.c")));
  const absl::Status refused = keyward::client::MakeSalesforceError({"invalid_grant", ""});
  return keyward::ReasonOf(token.status()) == "LOGIN_URL_INVALID" &&
         keyward::ReasonOf(signer.status()) == "OPTIONS_INVALID" &&
         keyward::ReasonOf(reloading.status()) == "OPTIONS_INVALID" &&
         keyward::ReasonOf(service.status()) == "OPTIONS_INVALID" &&
         keyward::ReasonOf(tokens.status()) == "OPTIONS_INVALID" &&
         keyward::ReasonOf(subject.status()) == "NO_SUBJECT" &&
         keyward::client::SalesforceErrorOf(refused).has_value();
}

}  // namespace

int main() {
  if (!Works()) return 1;
  std::cout << "works\n";
  return 0;
}
