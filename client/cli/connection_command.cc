// keyward connection …
#include <CLI/CLI.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/approval_wait.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// The flags of create and update; empty where they are not given.
struct Fields {
  std::string name;
  std::optional<std::string> consumer_key;
  std::string environment;
  std::optional<std::string> login_url;
  std::vector<std::string> audiences;
  std::vector<std::string> subjects;
  std::vector<std::string> subject_patterns;
  std::optional<bool> include_kid;
  std::string etag;
  bool yes = false;
  bool wait = false;
};

const std::map<std::string, v1::Environment>& Environments() {
  static const auto& environments = *new std::map<std::string, v1::Environment>{
      {"production", v1::PRODUCTION}, {"sandbox", v1::SANDBOX}, {"custom", v1::CUSTOM}};
  return environments;
}

std::string SubjectsText(const v1::Connection& connection) {
  std::vector<std::string> all(connection.subjects().begin(), connection.subjects().end());
  all.insert(all.end(), connection.subject_patterns().begin(), connection.subject_patterns().end());
  return absl::StrJoin(all, ", ");
}

// The emergency freeze goes before the connection's own, which is no use while it lasts.
std::string FrozenText(const v1::Connection& connection) {
  if (connection.emergency_freeze()) return "all";
  return connection.frozen() ? "yes" : "no";
}

std::string EnvironmentName(v1::Environment environment) {
  return absl::AsciiStrToLower(v1::Environment_Name(environment));
}

absl::Status PrintConnection(const Cli& cli, const v1::Connection& connection) {
  if (cli.json()) return PrintJson(ToJson(connection));
  return PrintTable({
      {"NAME", connection.name()},
      {"ENVIRONMENT", EnvironmentName(connection.environment())},
      {"LOGIN URL", connection.login_url()},
      {"CONSUMER KEY", connection.consumer_key()},
      {"AUDIENCES", absl::StrJoin(connection.audiences(), ", ")},
      {"SUBJECTS", absl::StrJoin(connection.subjects(), ", ")},
      {"SUBJECT PATTERNS", absl::StrJoin(connection.subject_patterns(), ", ")},
      {"KID IN HEADER", connection.include_kid() ? "yes" : "no"},
      {"FROZEN", FrozenText(connection)},
      {"FROZEN SINCE", TimeText(connection.has_freeze_time(), connection.freeze_time())},
      {"CREATED", TimeText(connection.has_create_time(), connection.create_time())},
      {"UPDATED", TimeText(connection.has_update_time(), connection.update_time())},
      {"ETAG", connection.etag()},
  });
}

// Sets what the flags give and returns the names of the fields that are set.
std::vector<std::string> Apply(const Fields& fields, v1::Connection& connection) {
  std::vector<std::string> set;
  if (fields.consumer_key) {
    connection.set_consumer_key(*fields.consumer_key);
    set.emplace_back("consumer_key");
  }
  if (!fields.environment.empty()) {
    connection.set_environment(Environments().at(fields.environment));
    set.emplace_back("environment");
  }
  if (fields.login_url) {
    connection.set_login_url(*fields.login_url);
    set.emplace_back("login_url");
  }
  if (!fields.audiences.empty()) {
    connection.mutable_audiences()->Assign(fields.audiences.begin(), fields.audiences.end());
    set.emplace_back("audiences");
  }
  if (!fields.subjects.empty()) {
    connection.mutable_subjects()->Assign(fields.subjects.begin(), fields.subjects.end());
    set.emplace_back("subjects");
  }
  if (!fields.subject_patterns.empty()) {
    connection.mutable_subject_patterns()->Assign(fields.subject_patterns.begin(),
                                                  fields.subject_patterns.end());
    set.emplace_back("subject_patterns");
  }
  if (fields.include_kid) {
    connection.set_include_kid(*fields.include_kid);
    set.emplace_back("include_kid");
  }
  return set;
}

// Production and sandbox have hosts of their own: a login URL given with them
// would be ignored.
absl::Status CheckLoginUrl(const Fields& fields) {
  if (fields.login_url && !fields.environment.empty() && fields.environment != "custom") {
    return UsageError("--login-url goes with --environment custom");
  }
  return absl::OkStatus();
}

absl::Status Create(const Cli& cli, const Fields& fields) {
  RETURN_IF_ERROR(CheckLoginUrl(fields));
  if (fields.login_url.has_value() != (fields.environment == "custom")) {
    return UsageError("--environment custom and --login-url go together");
  }
  v1::Connection connection;
  connection.set_name(fields.name);
  Apply(fields, connection);
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const v1::Connection created, signer->CreateConnection(connection));
  return PrintConnection(cli, created);
}

absl::Status List(const Cli& cli) {
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const std::vector<v1::Connection> connections, signer->ListConnections());
  if (cli.json()) {
    auto array = nlohmann::ordered_json::array();
    for (const v1::Connection& connection : connections) array.push_back(ToJson(connection));
    return PrintJson(array);
  }
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "ENVIRONMENT", "LOGIN URL", "CONSUMER KEY", "FROZEN", "SUBJECTS"}};
  for (const v1::Connection& connection : connections) {
    rows.push_back({connection.name(), EnvironmentName(connection.environment()),
                    connection.login_url(), connection.consumer_key().empty() ? "not set" : "set",
                    FrozenText(connection), SubjectsText(connection)});
  }
  return PrintTable(rows);
}

absl::Status Show(const Cli& cli, const Fields& fields) {
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const v1::Connection connection, signer->GetConnection(fields.name));
  return PrintConnection(cli, connection);
}

absl::StatusOr<std::string> EtagOf(SignerClient& signer, const Fields& fields) {
  if (!fields.etag.empty()) return fields.etag;
  ASSIGN_OR_RETURN(const v1::Connection connection, signer.GetConnection(fields.name));
  return connection.etag();
}

absl::Status Update(const Cli& cli, const Fields& fields) {
  RETURN_IF_ERROR(CheckLoginUrl(fields));
  v1::Connection connection;
  connection.set_name(fields.name);
  const std::vector<std::string> changed = Apply(fields, connection);
  if (changed.empty()) {
    return UsageError("nothing to change: give at least one of the fields' flags");
  }
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  v1::Connection updated;
  RETURN_IF_ERROR(CallWithApproval(*signer, fields.wait, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(*connection.mutable_etag(), EtagOf(*signer, fields));
    ASSIGN_OR_RETURN(updated, signer->UpdateConnection(connection, changed));
    return absl::OkStatus();
  }));
  return PrintConnection(cli, updated);
}

absl::Status Delete(const Cli& cli, const Fields& fields) {
  if (!fields.yes) {
    return UsageError(absl::StrCat("deleting ", fields.name,
                                   " destroys its keys on the token for good: say so with --yes"));
  }
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  uint32_t destroyed = 0;
  RETURN_IF_ERROR(CallWithApproval(*signer, fields.wait, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const std::string etag, EtagOf(*signer, fields));
    ASSIGN_OR_RETURN(destroyed, signer->DeleteConnection(fields.name, etag));
    return absl::OkStatus();
  }));
  if (cli.json()) {
    return PrintJson({{"name", fields.name}, {"destroyed_key_versions", destroyed}});
  }
  return Print(absl::StrCat("deleted ", fields.name, ", ", destroyed, " key(s) destroyed\n"));
}

void AddName(CLI::App& verb, Fields& fields) {
  verb.add_option("NAME", fields.name, "the connection's name")->required();
}

void AddFields(CLI::App& verb, Fields& fields) {
  verb.add_option("--consumer-key", fields.consumer_key, "the app's consumer key (client_id)");
  verb.add_option("--environment", fields.environment,
                  "production, sandbox, or custom with --login-url")
      ->check(CLI::IsMember({"production", "sandbox", "custom"}));
  verb.add_option("--login-url", fields.login_url, "login host: https://NAME.my.salesforce.com");
  verb.add_option("--audience", fields.audiences, "what aud may be; repeat for more")
      ->allow_extra_args(false);
  verb.add_option("--subject", fields.subjects, "Salesforce user that sub may be; repeat for more")
      ->allow_extra_args(false);
  verb.add_option("--subject-pattern", fields.subject_patterns,
                  "users that sub may be, with one * before the @; repeat for more")
      ->allow_extra_args(false);
  // Not bound to the optional itself, which CLI11 would set without the flag.
  verb.add_flag_function(
      "--include-kid,!--no-include-kid",
      [&fields](int64_t count) { fields.include_kid = count > 0; },
      "whether the JOSE header carries kid");
}

void AddEtag(CLI::App& verb, Fields& fields) {
  verb.add_option("--etag", fields.etag,
                  "only if the connection still has this etag; without it, its current one");
}

}  // namespace

void AddConnectionCommands(CLI::App& app, Cli& cli) {
  CLI::App& noun =
      AddNoun(app, "connection", "Connections to Salesforce orgs", "keyward connection show acme");
  const auto fields = std::make_shared<Fields>();

  CLI::App& create = AddVerb(noun, cli, "create", "Create a connection and its first key",
                             "keyward connection create acme --environment sandbox "
                             "--subject integration@acme.example",
                             [&cli, fields] { return Create(cli, *fields); });
  AddName(create, *fields);
  AddFields(create, *fields);

  AddVerb(noun, cli, "list", "List the connections that you may see",
          "keyward connection list --output json", [&cli] { return List(cli); });

  CLI::App& show = AddVerb(noun, cli, "show", "Show one connection", "keyward connection show acme",
                           [&cli, fields] { return Show(cli, *fields); });
  AddName(show, *fields);

  CLI::App& update = AddVerb(noun, cli, "update", "Change a connection; lists are replaced",
                             "keyward connection update acme --consumer-key 3MVG9...",
                             [&cli, fields] { return Update(cli, *fields); });
  AddName(update, *fields);
  AddFields(update, *fields);
  AddEtag(update, *fields);
  AddWait(update, fields->wait);

  CLI::App& remove = AddVerb(noun, cli, "delete", "Delete a connection and destroy its keys",
                             "keyward connection delete acme --yes",
                             [&cli, fields] { return Delete(cli, *fields); });
  AddName(remove, *fields);
  AddEtag(remove, *fields);
  remove.add_flag("--yes", fields->yes, "yes, destroy the keys on the token");
  AddWait(remove, fields->wait);
  AddConnectionFreezeVerbs(noun, cli);
}

}  // namespace keyward::client
