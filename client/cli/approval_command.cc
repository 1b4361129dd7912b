// keyward approval …
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::string name;
  std::string connection;
  std::string comment;
  bool all = false;
};

std::string ValueText(const ordered_json& value) {
  if (value.is_string())
    return value.get<std::string>().empty() ? "(none)" : value.get<std::string>();
  if (value.is_null()) return "(none)";
  return value.dump();
}

// A line for each thing that changes: of lists what comes and what goes.
std::vector<std::string> ChangeLines(const std::string& member, const ordered_json& before,
                                     const ordered_json& after) {
  if (!before.is_array() || !after.is_array()) {
    return {absl::StrCat(member, ": ", ValueText(before), " → ", ValueText(after))};
  }
  const auto has = [](const ordered_json& list, const ordered_json& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  std::vector<std::string> lines;
  for (const ordered_json& item : before) {
    if (!has(after, item)) lines.push_back(absl::StrCat(member, ": - ", ValueText(item)));
  }
  for (const ordered_json& item : after) {
    if (!has(before, item)) lines.push_back(absl::StrCat(member, ": + ", ValueText(item)));
  }
  if (lines.empty()) lines.push_back(absl::StrCat(member, ": another order, ", ValueText(after)));
  return lines;
}

std::vector<std::string> ChangeLines(const ordered_json& approval) {
  const ordered_json before = approval.value("before", ordered_json());
  const ordered_json after = approval.value("after", ordered_json());
  const auto member_of = [](const ordered_json& object, const std::string& member) {
    return object.is_object() && object.contains(member) ? object[member] : ordered_json();
  };
  std::vector<std::string> lines;
  // Both have the same members, or one is not there at all.
  for (const auto& [member, value] : (before.is_object() ? before : after).items()) {
    const std::vector<std::string> changed =
        ChangeLines(member, member_of(before, member), member_of(after, member));
    lines.insert(lines.end(), changed.begin(), changed.end());
  }
  return lines;
}

absl::Status PrintApproval(const Cli& cli, const v1::Approval& approval) {
  const ordered_json json = ToJson(approval);
  if (cli.json()) return PrintJson(json);
  std::vector<std::vector<std::string>> rows = {
      {"NAME", approval.name()},
      {"STATE", v1::Approval::State_Name(approval.state())},
      {"CALL", approval.method()},
      {"CONNECTION", approval.connection() == "*" ? "* (all)" : approval.connection()},
      {"NEEDED FOR", absl::StrJoin(approval.changes(), ", ")},
      {"REQUESTED BY", approval.requester()},
      {"REQUESTED", TimeText(approval.has_create_time(), approval.create_time())},
      {"EXPIRES", TimeText(approval.has_expire_time(), approval.expire_time())}};
  if (!approval.decided_by().empty()) {
    rows.push_back({"DECIDED BY", approval.decided_by()});
    rows.push_back({"DECIDED", TimeText(approval.has_decide_time(), approval.decide_time())});
    rows.push_back({"COMMENT", approval.comment()});
  }
  const char* heading = "CHANGE";
  for (const std::string& line : ChangeLines(json)) {
    rows.push_back({heading, line});
    heading = "";
  }
  return PrintTable(rows);
}

absl::Status List(const Cli& cli, const Options& options) {
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const std::vector<v1::Approval> approvals,
                   signer->ListApprovals(options.all, options.connection));
  if (cli.json()) {
    auto array = ordered_json::array();
    for (const v1::Approval& approval : approvals) array.push_back(ToJson(approval));
    return PrintJson(array);
  }
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "STATE", "CALL", "CONNECTION", "NEEDED FOR", "REQUESTED BY", "EXPIRES"}};
  for (const v1::Approval& approval : approvals) {
    rows.push_back({approval.name(), v1::Approval::State_Name(approval.state()), approval.method(),
                    approval.connection(), absl::StrJoin(approval.changes(), ", "),
                    approval.requester(),
                    TimeText(approval.has_expire_time(), approval.expire_time())});
  }
  return PrintTable(rows);
}

absl::Status Show(const Cli& cli, const Options& options) {
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const v1::Approval approval, signer->GetApproval(options.name));
  return PrintApproval(cli, approval);
}

absl::Status Decide(const Cli& cli, const Options& options, bool approve) {
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const v1::Approval approval,
                   approve ? signer->Approve(options.name, options.comment)
                           : signer->Refuse(options.name, options.comment));
  return PrintApproval(cli, approval);
}

void AddName(CLI::App& verb, Options& options) {
  verb.add_option("NAME", options.name, "the approval's name")->required();
}

void AddComment(CLI::App& verb, Options& options) {
  verb.add_option("--comment", options.comment, "why, for the audit log; at most 256 bytes");
}

}  // namespace

void AddApprovalCommands(CLI::App& app, Cli& cli) {
  CLI::App& noun =
      AddNoun(app, "approval", "Changes that need a second person", "keyward approval list");
  const auto options = std::make_shared<Options>();

  CLI::App& list = AddVerb(noun, cli, "list", "List what waits for a second person",
                           "keyward approval list --connection acme",
                           [&cli, options] { return List(cli, *options); });
  list.add_flag("--all", options->all, "also what is decided or has expired");
  list.add_option("--connection", options->connection, "only of this connection");

  CLI::App& show = AddVerb(noun, cli, "show", "Show what somebody wants to change",
                           "keyward approval show k3jz5q6w7x2m4n5b6v7c2xaqwe",
                           [&cli, options] { return Show(cli, *options); });
  AddName(show, *options);

  CLI::App& approve = AddVerb(noun, cli, "approve", "Let whoever asked do it, once",
                              "keyward approval approve k3jz5q6w7x2m4n5b6v7c2xaqwe --comment "
                              "'agreed by phone'",
                              [&cli, options] { return Decide(cli, *options, true); });
  AddName(approve, *options);
  AddComment(approve, *options);

  CLI::App& refuse = AddVerb(noun, cli, "refuse", "Say no, or take back what you asked for",
                             "keyward approval refuse k3jz5q6w7x2m4n5b6v7c2xaqwe",
                             [&cli, options] { return Decide(cli, *options, false); });
  AddName(refuse, *options);
  AddComment(refuse, *options);
}

}  // namespace keyward::client
