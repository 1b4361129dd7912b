// keyward-signer: signs Salesforce assertions with keys on a PKCS#11 token.
#include <memory>
#include <optional>
#include <string>

#include "common/error.h"
#include "common/server/daemon.h"
#include "common/server/privileges.h"
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
         // Before the files are looked at: they must be open to the user that it becomes.
         RETURN_IF_ERROR(keyward::Annotate(keyward::server::DropPrivileges(config->user), "user"));
         return keyward::signer::CheckFiles(*config);
       },
       .start = [&]() -> absl::StatusOr<std::unique_ptr<keyward::server::RunningDaemon>> {
         return keyward::signer::Server::New(*config);
       }},
      argc, argv);
}
