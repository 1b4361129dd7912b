// keyward connection freeze, thaw
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/approval_wait.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

struct Options {
  std::string name;
  std::string comment;
  bool all = false;
  bool yes = false;
  bool wait = false;
};

absl::Status CheckOptions(const Options& options, absl::string_view verb) {
  if (options.all != options.name.empty()) {
    return UsageError(absl::StrCat("name the connection to ", verb, ", or all with --all"));
  }
  if (options.all && !options.yes) {
    return UsageError(
        absl::StrCat("--all means to ", verb, " every connection at once: say so with --yes"));
  }
  return absl::OkStatus();
}

absl::Status SetAll(const Cli& cli, SignerClient& signer, const Options& options, bool frozen) {
  RETURN_IF_ERROR(CallWithApproval(
      signer, options.wait, [&] { return signer.SetEmergencyFreeze(frozen, options.comment); }));
  if (cli.json()) return PrintJson({{"emergency_freeze", frozen}});
  return Print(frozen ? "the emergency freeze is on: nothing is signed for any connection\n"
                      : "the emergency freeze is over; connections that were frozen by themselves "
                        "stay so\n");
}

absl::Status SetOne(const Cli& cli, SignerClient& signer, const Options& options, bool frozen) {
  v1::Connection connection;
  RETURN_IF_ERROR(CallWithApproval(signer, options.wait, [&]() -> absl::Status {
    if (frozen) {
      ASSIGN_OR_RETURN(connection, signer.FreezeConnection(options.name, options.comment));
    } else {
      ASSIGN_OR_RETURN(connection, signer.ThawConnection(options.name, options.comment));
    }
    return absl::OkStatus();
  }));
  if (cli.json()) return PrintJson(ToJson(connection));
  if (!frozen) return Print(absl::StrCat("thawed ", Plain(connection.name()), "\n"));
  return Print(absl::StrCat("froze ", Plain(connection.name()), ": nothing is signed for it\n"));
}

absl::Status Set(const Cli& cli, const Options& options, bool frozen) {
  RETURN_IF_ERROR(CheckOptions(options, frozen ? "freeze" : "thaw"));
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  return options.all ? SetAll(cli, *signer, options, frozen)
                     : SetOne(cli, *signer, options, frozen);
}

void AddOptions(CLI::App& verb, Options& options) {
  verb.add_option("NAME", options.name, "the connection's name");
  verb.add_option("--comment", options.comment, "why, for the audit log; at most 256 bytes");
  verb.add_flag("--all", options.all, "every connection at once, those made later too");
  verb.add_flag("--yes", options.yes, "yes, every connection");
}

}  // namespace

void AddConnectionFreezeVerbs(CLI::App& connection, Cli& cli) {
  const auto options = std::make_shared<Options>();
  CLI::App& freeze = AddVerb(
      connection, cli, "freeze", "Sign nothing for a connection, or for any, until it is thawed",
      "keyward connection freeze acme --comment 'laptop stolen'\n"
      "  keyward connection freeze --all --yes        (an emergency: nothing at all is signed)",
      [&cli, options] { return Set(cli, *options, true); });
  AddOptions(freeze, *options);
  CLI::App& thaw = AddVerb(connection, cli, "thaw", "Sign again for a connection that was frozen",
                           "keyward connection thaw acme\n  keyward connection thaw --all --yes",
                           [&cli, options] { return Set(cli, *options, false); });
  AddOptions(thaw, *options);
  AddWait(thaw, options->wait);
}

}  // namespace keyward::client
