// keyward key …
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

absl::Status List(const Cli& cli, const std::string& name) {
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const std::vector<v1::KeyVersion> versions, signer->ListKeyVersions(name));
  if (cli.json()) {
    auto array = nlohmann::ordered_json::array();
    for (const v1::KeyVersion& version : versions) array.push_back(ToJson(version));
    return PrintJson(array);
  }
  std::vector<std::vector<std::string>> rows = {
      {"VERSION", "STATE", "ALGORITHM", "BITS", "CREATED", "CERTIFICATE UNTIL", "KID"}};
  for (const v1::KeyVersion& version : versions) {
    rows.push_back({absl::StrCat(version.number()), v1::KeyVersion::State_Name(version.state()),
                    version.algorithm(), absl::StrCat(version.key_bits()),
                    TimeText(version.has_create_time(), version.create_time()),
                    TimeText(version.has_certificate_not_after(), version.certificate_not_after()),
                    version.kid()});
  }
  return PrintTable(rows);
}

}  // namespace

void AddKeyCommands(CLI::App& app, Cli& cli) {
  CLI::App& noun = AddNoun(app, "key", "Key versions of a connection");
  const auto name = std::make_shared<std::string>();
  CLI::App& list = AddVerb(noun, cli, "list", "List a connection's key versions",
                           "keyward key list acme", [&cli, name] { return List(cli, *name); });
  list.add_option("NAME", *name, "the connection's name")->required();
}

}  // namespace keyward::client
