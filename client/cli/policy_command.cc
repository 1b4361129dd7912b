// keyward policy check, explain
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "signer/authorization_policy.h"
#include "signer/policy_explanation.h"
#include "signer/policy_warnings.h"

namespace keyward::client {
namespace {

struct CheckOptions {
  std::string file;
  bool strict = false;
  std::string kinds;
};

struct ExplainOptions {
  std::string file;
  v1::ExplainPolicyRequest request;
};

// The mistakes that LoadPolicy() found, which stand one a line; else why there is nothing
// to check.
absl::StatusOr<std::vector<std::string>> MistakesOf(const absl::Status& status) {
  if (status.ok()) return std::vector<std::string>();
  if (!absl::IsInvalidArgument(status) || ReasonOf(status)) return status;
  return std::vector<std::string>(absl::StrSplit(status.message(), '\n'));
}

absl::Status Check(const Cli& cli, const CheckOptions& options) {
  signer::IdentityKinds kinds;
  if (!options.kinds.empty()) {
    const auto parsed = signer::ParseIdentityKinds(absl::StrSplit(options.kinds, ','));
    if (!parsed.ok()) {
      return UsageError(absl::StrCat("--identity-kinds: ", parsed.status().message()));
    }
    kinds = *parsed;
  }
  const absl::StatusOr<signer::AuthorizationPolicy> policy = signer::LoadPolicy(options.file);
  ASSIGN_OR_RETURN(const std::vector<std::string> mistakes, MistakesOf(policy.status()));
  std::vector<std::string> warnings;
  if (policy.ok()) {
    warnings = policy->warnings();
    for (std::string& warning : signer::UnusedKindWarnings(*policy, kinds, options.file)) {
      warnings.push_back(std::move(warning));
    }
  }
  if (cli.json()) {
    RETURN_IF_ERROR(PrintJson({{"mistakes", mistakes},
                               {"warnings", warnings},
                               {"sha256", policy.ok() ? policy->sha256() : ""}}));
  } else {
    std::string text;
    for (const std::string& mistake : mistakes) absl::StrAppend(&text, Plain(mistake), "\n");
    for (const std::string& warning : warnings) {
      absl::StrAppend(&text, "warning: ", Plain(warning), "\n");
    }
    if (policy.ok()) {
      absl::StrAppend(&text, Plain(options.file), ": no mistakes, ", policy->role_count(),
                      policy->role_count() == 1 ? " role\n" : " roles\n");
    }
    RETURN_IF_ERROR(Print(text));
  }
  return !policy.ok() || (options.strict && !warnings.empty()) ? SaidNo() : absl::OkStatus();
}

// As the signer answers.
absl::StatusOr<v1::ExplainPolicyResponse> ExplainByFile(const ExplainOptions& options) {
  const v1::ExplainPolicyRequest& request = options.request;
  if (request.identity().empty()) {
    return UsageError("--policy needs --identity: a file does not know who you are");
  }
  absl::StatusOr<signer::Access> access = signer::AccessOf(request.identity(), request.connection(),
                                                           request.operation(), request.subject());
  if (!access.ok()) return UsageError(absl::StrCat("--", access.status().message()));
  ASSIGN_OR_RETURN(const signer::AuthorizationPolicy policy, signer::LoadPolicy(options.file));
  const signer::PolicyExplanation explanation = signer::Explain(policy, *access);
  v1::ExplainPolicyResponse response;
  response.set_allowed(explanation.allowed);
  response.set_role(explanation.role);
  response.set_line(explanation.line);
  response.set_explanation(explanation.Text());
  response.set_policy_sha256(policy.sha256());
  return response;
}

absl::StatusOr<v1::ExplainPolicyResponse> ExplainBySigner(const Cli& cli,
                                                          const ExplainOptions& options) {
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  return signer->ExplainPolicy(options.request);
}

absl::Status Explain(const Cli& cli, const ExplainOptions& options) {
  ASSIGN_OR_RETURN(const v1::ExplainPolicyResponse answer,
                   options.file.empty() ? ExplainBySigner(cli, options) : ExplainByFile(options));
  if (cli.json()) {
    const v1::ExplainPolicyRequest& request = options.request;
    const bool is_own = request.identity().empty();
    RETURN_IF_ERROR(PrintJson({{"allowed", answer.allowed()},
                               {"role", answer.role()},
                               {"line", answer.line()},
                               {"identity", is_own ? answer.caller() : request.identity()},
                               {"connection", request.connection()},
                               {"operation", request.operation()},
                               {"subject", request.subject()},
                               {"explanation", answer.explanation()},
                               {"policy_sha256", answer.policy_sha256()}}));
  } else {
    std::string text;
    for (const absl::string_view line : absl::StrSplit(answer.explanation(), '\n')) {
      absl::StrAppend(&text, text.empty() ? "" : "  ", Plain(line), "\n");
    }
    RETURN_IF_ERROR(Print(text));
  }
  return answer.allowed() ? absl::OkStatus() : SaidNo();
}

}  // namespace

void AddPolicyCommands(CLI::App& app, Cli& cli) {
  CLI::App& policy = AddNoun(app, "policy", "Check a policy file, and ask who may do what",
                             "keyward policy check policy.yaml");

  const auto check = std::make_shared<CheckOptions>();
  CLI::App& check_verb =
      AddVerb(policy, cli, "check",
              "Print the mistakes of a policy file, and what has no effect in it; asks no signer",
              "keyward policy check /etc/keyward/policy.yaml --strict",
              [&cli, check] { return Check(cli, *check); });
  check_verb.add_option("FILE", check->file, "the policy file")->required();
  check_verb.add_flag("--strict", check->strict, "warnings make the exit code 1, too");
  check_verb.add_option("--identity-kinds", check->kinds,
                        "identity.kinds of the daemon that is to use it: spiffe,dns,cn");

  const auto explain = std::make_shared<ExplainOptions>();
  CLI::App& explain_verb =
      AddVerb(policy, cli, "explain",
              "Print which role decides about a call, and why the others do not; exit code 0 for "
              "allowed, 1 for denied",
              "keyward policy explain --connection acme --operation sign\n  keyward policy explain "
              "--policy "
              "policy.yaml --identity spiffe://keyward.example/billing \\\n      --connection acme "
              "--operation exchange --subject user@acme.example",
              [&cli, explain] { return Explain(cli, *explain); });
  v1::ExplainPolicyRequest& request = explain->request;
  explain_verb.add_option("--policy", explain->file,
                          "ask this file; without it the signer, by the policy in use");
  explain_verb.add_option("--identity", *request.mutable_identity(),
                          "who: spiffe://…, dns:… or cn:…; without it your own certificate's");
  explain_verb.add_option("--connection", *request.mutable_connection(), "a connection's name")
      ->required();
  explain_verb.add_option("--operation", *request.mutable_operation(), "sign, view and so on")
      ->required();
  explain_verb.add_option("--subject", *request.mutable_subject(),
                          "Salesforce user, of sign and exchange");
}

}  // namespace keyward::client
