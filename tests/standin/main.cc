// salesforce-standin: an imitation of Salesforce's OAuth and REST endpoints on
// 127.0.0.1, for tests and the demo.

#include <httplib.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "common/status_macros.h"
#include "tests/standin/admin_api.h"
#include "tests/standin/endpoint.h"
#include "tests/standin/listener.h"
#include "tests/standin/oauth_api.h"
#include "tests/standin/rest_api.h"
#include "tests/standin/token_endpoint.h"

namespace keyward::standin {
namespace {

struct Flags {
  std::string certificate;
  std::string private_key;
  int port = 0;
  int admin_port = 0;
  std::string state_dir;
  std::vector<std::string> audiences;
  int session_seconds = 7200;
  int logins_per_hour = 3600;
  int keep_alive_seconds = 1;
  int servers = 1;
  int propagation_min_seconds = 0;
  int propagation_max_seconds = 0;
  std::string routing = "round-robin";
  uint64_t seed = 1;
};

void AddPropagationFlags(CLI::App& app, Flags& flags) {
  app.add_option("--servers", flags.servers,
                 "simulate so many servers, each of which learns of a change to an app at its own "
                 "time; a request lands on one of them")
      ->check(CLI::Range(1, kMaxServers))
      ->capture_default_str();
  app.add_option("--propagation-min-seconds", flags.propagation_min_seconds,
                 "a change reaches no server before this")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  app.add_option("--propagation-max-seconds", flags.propagation_max_seconds,
                 "a change has reached every server after this")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  app.add_option("--routing", flags.routing, "round-robin or random")
      ->check(CLI::IsMember({"round-robin", "random"}))
      ->capture_default_str();
  app.add_option("--seed", flags.seed, "of the random times and the random routing")
      ->capture_default_str();
}

void AddFlags(CLI::App& app, Flags& flags) {
  app.add_option("--certificate", flags.certificate, "PEM chain of the HTTPS server")->required();
  app.add_option("--private-key", flags.private_key, "PEM key of the HTTPS server")->required();
  app.add_option("--port", flags.port, "HTTPS port, 0 for any free one")
      ->check(CLI::Range(0, 65535));
  app.add_option("--admin-port", flags.admin_port,
                 "port of the administration (plain HTTP), 0 for any free one")
      ->check(CLI::Range(0, 65535));
  app.add_option("--state-dir", flags.state_dir,
                 "keep apps, users and certificates in this directory; without it they end with "
                 "the process");
  app.add_option("--audience", flags.audiences,
                 "accept this aud (repeatable), in place of login.salesforce.com, "
                 "test.salesforce.com and the address that the request was sent to")
      ->allow_extra_args(false);
  app.add_option("--session-seconds", flags.session_seconds,
                 "life of an access token after its last use, 1 to 86400")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  app.add_option("--logins-per-hour", flags.logins_per_hour,
                 "logins of one user in an hour before \"login rate exceeded\"")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  app.add_option("--keep-alive-seconds", flags.keep_alive_seconds,
                 "an idle connection is closed after this, 1 to 3600")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  AddPropagationFlags(app, flags);
  app.footer(
      "Example:\n"
      "  salesforce-standin --certificate standin.pem --private-key standin.key --port 8443 "
      "--admin-port 8444");
}

absl::StatusOr<StateOptions> OptionsOf(const Flags& flags) {
  if (flags.propagation_min_seconds > flags.propagation_max_seconds) {
    return absl::InvalidArgumentError(
        "--propagation-min-seconds must not be above --propagation-max-seconds");
  }
  StateOptions options{.session_lifetime = absl::Seconds(flags.session_seconds),
                       .directory = flags.state_dir,
                       .logins_per_hour = flags.logins_per_hour};
  options.propagation = {.servers = flags.servers,
                         .shortest = absl::Seconds(flags.propagation_min_seconds),
                         .longest = absl::Seconds(flags.propagation_max_seconds),
                         .random_routing = flags.routing == "random",
                         .seed = flags.seed};
  return options;
}

// Serves until SIGTERM or SIGINT, which must be in `stop_signals` and blocked.
absl::Status Serve(const Flags& flags, const sigset_t& stop_signals) {
  ASSIGN_OR_RETURN(const StateOptions options, OptionsOf(flags));
  ASSIGN_OR_RETURN(const std::unique_ptr<State> state, State::New(options));
  Journal journal;
  Faults faults;
  OrderedRefusals refusals;
  const Parts parts{*state, journal, faults, refusals};
  ASSIGN_OR_RETURN(std::unique_ptr<httplib::Server> https,
                   NewHttpsServer(flags.certificate, flags.private_key));
  https->set_post_routing_handler([&](const httplib::Request&, httplib::Response& response) {
    response.set_header("Date", HttpDate(state->clock()));
  });
  ServeTokenEndpoint(*https, parts, flags.audiences);
  ServeOauthApi(*https, parts);
  ServeRestApi(*https, parts);
  auto admin = std::make_unique<httplib::Server>();
  ServeAdminApi(*admin, parts);
  ASSIGN_OR_RETURN(const std::unique_ptr<Listener> public_listener,
                   Listener::New(std::move(https), flags.port, ErrorShape::kSalesforce,
                                 flags.keep_alive_seconds));
  ASSIGN_OR_RETURN(const std::unique_ptr<Listener> admin_listener,
                   Listener::New(std::move(admin), flags.admin_port, ErrorShape::kAdministration,
                                 /*keep_alive_seconds=*/1));
  (void)printf("ready port=%d admin-port=%d\n", public_listener->port(), admin_listener->port());
  (void)fflush(stdout);
  int signal_number = 0;
  sigwait(&stop_signals, &signal_number);
  faults.EndWaits();
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("An imitation of Salesforce's OAuth and REST endpoints for tests, on 127.0.0.1.",
               "salesforce-standin");
  AddFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  // Blocked before any thread starts, so that none of them is interrupted.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  sigaddset(&stop_signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  if (const absl::Status status = Serve(flags, stop_signals); !status.ok()) {
    (void)fprintf(stderr, "salesforce-standin: %s\n", std::string(status.message()).c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace keyward::standin

int main(int argc, char** argv) { return keyward::standin::Main(argc, argv); }
