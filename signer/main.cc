// keyward-signer: signs Salesforce assertions with keys on a PKCS#11 token.
#include <memory>
#include <optional>
#include <string>

#include "common/server/daemon.h"
#include "common/status_macros.h"
#include "signer/config.h"
#include "signer/server.h"

int main(int argc, char** argv) {
  using keyward::signer::SignerConfig;
  std::optional<SignerConfig> config;
  return keyward::server::RunDaemon(
      {.name = "keyward-signer",
       .about = "Signs Salesforce JWT-bearer assertions with keys on a PKCS#11 token.",
       .version = KEYWARD_VERSION,
       .load = [&](const std::string& file) -> absl::Status {
         ASSIGN_OR_RETURN(config, keyward::signer::LoadConfig(file));
         return keyward::signer::CheckFiles(*config);
       },
       .start = [&]() -> absl::StatusOr<std::unique_ptr<keyward::server::RunningDaemon>> {
         return keyward::signer::Server::New(*config);
       }},
      argc, argv);
}
