// keyward sign
#include <CLI/CLI.hpp>
#include <iostream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "client/claims_for_connection.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "common/file.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

struct Options {
  std::string name;
  ClaimsChoice choice;
  int64_t lifetime_seconds = absl::ToInt64Seconds(kDefaultAssertionLifetime);
  std::string claims_file;
  std::optional<uint32_t> version;
};

// One byte more than a signer reads is enough to have it say that it is too much.
absl::StatusOr<std::string> ReadClaims(const std::string& file) {
  if (file != "-") return ReadFile(file);
  std::string text(kMaxClaimsBytes + 1, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::cin.gcount()));
  return text;
}

absl::StatusOr<std::string> Claims(SignerClient& signer, const Options& options) {
  if (!options.claims_file.empty()) return ReadClaims(options.claims_file);
  ASSIGN_OR_RETURN(const v1::Connection connection, signer.GetConnection(options.name));
  return ClaimsFor(connection, options.choice);
}

absl::Status SignAssertion(const Cli& cli, Options& options) {
  options.choice.lifetime = absl::Seconds(options.lifetime_seconds);
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const std::string claims, Claims(*signer, options));
  ASSIGN_OR_RETURN(const Assertion assertion,
                   signer->Sign(options.name, claims, {.key_version = options.version}));
  if (cli.json()) {
    return PrintJson({{"jws", std::string(assertion.jws.Expose())},
                      {"key_version", assertion.key_version},
                      {"kid", assertion.kid},
                      {"expire_time", TimeText(assertion.expire_time)}});
  }
  return Print(absl::StrCat(assertion.jws.Expose(), "\n"));
}

}  // namespace

void AddSignCommand(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<Options>();
  CLI::App& sign = AddVerb(app, cli, "sign", "Sign an assertion and print it (compact JWS)",
                           "keyward sign acme --subject integration@acme.example",
                           [&cli, options] { return SignAssertion(cli, *options); });
  sign.add_option("NAME", options->name, "the connection's name")->required();
  sign.add_option("--version", options->version, "key version; without it the ACTIVE one")
      ->check(CLI::Range(1U, std::numeric_limits<uint32_t>::max()));
  CLI::Option* claims = sign.add_option("--claims", options->claims_file,
                                        "file with the claims, signed as they are; - for stdin");
  sign.add_option("--subject", options->choice.subject,
                  "Salesforce user; without it the connection's only one")
      ->excludes(claims);
  sign.add_option("--audience", options->choice.audience, "without it the connection's first")
      ->excludes(claims);
  sign.add_option("--lifetime", options->lifetime_seconds, "seconds until exp, 1 to 300")
      ->capture_default_str()
      ->check(CLI::Range(1, static_cast<int>(absl::ToInt64Seconds(kMaxAssertionLifetime))))
      ->excludes(claims);
}

}  // namespace keyward::client
