#include "signer/policy_explanation.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/connection_name.h"
#include "common/error.h"
#include "common/subject_pattern.h"
#include "common/utf8.h"
#include "common/yaml_reader.h"
#include "signer/caller_identity.h"

namespace keyward::signer {
namespace {

std::string NameOf(const PolicyRole& role) {
  return absl::StrCat("the role ", role.name, " (line ", role.line, ", effect ",
                      role.denies ? "deny" : "allow", ")");
}

// Why `role`, which has the identity, says nothing about `access`; empty where it does.
std::string WhyNot(const PolicyRole& role, const Access& access) {
  if (!role.HasOperation(access.operation)) {
    return absl::StrCat("does not have the operation ", OperationName(access.operation));
  }
  if (!role.connections.Contains(access.connection)) {
    return absl::StrCat("does not have the connection ", access.connection);
  }
  if (access.subject && !role.HasSubject(*access.subject)) {
    return absl::StrCat("does not have the subject ", Shown(*access.subject, kMaxSubjectBytes));
  }
  if (!access.subject && role.denies && !role.subjects.empty()) {
    return "denies some subjects only, and none was given";
  }
  return "";
}

std::string Summary(const PolicyRole* role, const Access& access) {
  if (role == nullptr) return "denied: no role allows it, and what no role allows is denied";
  if (role->denies) return absl::StrCat("denied by ", NameOf(*role));
  const bool for_some = !access.subject && !role->subjects.empty();
  return absl::StrCat(
      "allowed by ", NameOf(*role),
      for_some ? ", for some subjects only: name one to see whether it is one" : "");
}

std::string WhyOther(const PolicyRole& role, const PolicyRole* deciding, const Access& access) {
  std::string why = WhyNot(role, access);
  if (why.empty()) {
    why = role.denies == deciding->denies
              ? absl::StrCat(role.denies ? "denies" : "allows", " it as well, but ", deciding->name,
                             " comes first")
              : absl::StrCat("would allow it, but what ", deciding->name,
                             " denies no other role can allow");
  }
  return absl::StrCat(NameOf(role), " ", why);
}

absl::Status Invalid(absl::string_view field, absl::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, "REQUEST_INVALID",
               absl::StrCat(field, ": ", what));
}

}  // namespace

std::string PolicyExplanation::Text() const {
  std::string text = summary;
  for (const std::string& other : others) absl::StrAppend(&text, "\n", other);
  return text;
}

PolicyExplanation Explain(const AuthorizationPolicy& policy, const Access& access) {
  PolicyExplanation explanation;
  const Decision decision = policy.Decide(access);
  const PolicyRole* deciding = nullptr;
  for (const PolicyRole& role : policy.roles()) {
    if (!decision.role.empty() && role.name == decision.role) deciding = &role;
  }
  explanation.allowed = decision.status.ok();
  explanation.summary = Summary(deciding, access);
  if (deciding != nullptr) {
    explanation.role = deciding->name;
    explanation.line = deciding->line;
  }
  size_t not_told = 0;
  size_t of_others = 0;
  for (const PolicyRole& role : policy.roles()) {
    if (&role == deciding) continue;
    if (!role.identities.Contains(access.identity)) {
      ++of_others;
    } else if (explanation.others.size() == kMaxExplainedRoles) {
      ++not_told;
    } else {
      explanation.others.push_back(WhyOther(role, deciding, access));
    }
  }
  const auto add_count = [&](size_t count, absl::string_view what) {
    if (count == 0) return;
    explanation.others.push_back(absl::StrCat(count, count == 1 ? " role " : " roles ", what));
  };
  add_count(not_told, "more with this identity, which decide nothing here");
  add_count(of_others, "without this identity");
  return explanation;
}

absl::StatusOr<Access> AccessOf(absl::string_view identity, absl::string_view connection,
                                absl::string_view operation, absl::string_view subject) {
  if (const absl::Status status = CheckIdentity(identity); !status.ok()) {
    return Invalid("identity", status.message());
  }
  if (const absl::Status status = CheckConnectionName(connection); !status.ok()) {
    return Invalid("connection", status.message());
  }
  const std::optional<Operation> known = OperationOf(operation);
  if (!known) {
    return Invalid(
        "operation",
        absl::StrCat("\"", Shown(operation), "\" is none: must be one of ",
                     absl::StrJoin(kOperationNames, ", "),
                     DidYouMean(operation, {kOperationNames.begin(), kOperationNames.end()})));
  }
  Access access{.identity = identity, .connection = connection, .operation = *known};
  if (subject.empty()) return access;
  if (!HasSubjects(*known)) {
    return Invalid("subject", absl::StrCat("the operation ", operation,
                                           " has none: only sign and exchange do"));
  }
  if (!IsSubject(subject)) {
    return Invalid("subject", "must be a Salesforce user name");
  }
  access.subject = subject;
  return access;
}

}  // namespace keyward::signer
