// keyward-exchange: gives backend services Salesforce access tokens.
#include <memory>
#include <optional>
#include <string>

#include "client/exchange/config.h"
#include "client/exchange/server.h"
#include "common/error.h"
#include "common/secret.h"
#include "common/server/daemon.h"
#include "common/server/privileges.h"
#include "common/status_macros.h"

int main(int argc, char** argv) {
  using keyward::exchange::ExchangeConfig;
  std::optional<ExchangeConfig> config;
  return keyward::server::RunDaemon(
      {.name = "keyward-exchange",
       .about = "Gives backend services Salesforce access tokens: has keyward-signer sign, logs "
                "in, and keeps\nthe tokens.",
       .version = KEYWARD_VERSION,
       .load = [&](const std::string& file) -> absl::Status {
         ASSIGN_OR_RETURN(config, keyward::exchange::LoadConfig(file));
         // Before the files are looked at: they must be open to the user that it becomes.
         RETURN_IF_ERROR(keyward::Annotate(keyward::server::DropPrivileges(config->user), "user"));
         return keyward::exchange::CheckFiles(*config);
       },
       .start = [&]() -> absl::StatusOr<std::unique_ptr<keyward::server::RunningDaemon>> {
         absl::StatusOr<std::unique_ptr<keyward::server::RunningDaemon>> server =
             keyward::exchange::Server::New(*config);
         // A proxy's password may be in it, and nothing asks for it again.
         if (config->https.proxy) keyward::WipeString(*config->https.proxy);
         return server;
       }},
      argc, argv);
}
