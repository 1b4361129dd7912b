#include "signer/authorization_policy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "common/utf8.h"
#include "common/yaml_reader.h"
#include "signer/identity_pattern.h"
#include "signer/policy_reader.h"

namespace keyward::signer {
namespace {

constexpr size_t kMaxShownBytes = 256;

std::string WhatIsAsked(const Access& access) {
  std::string asked = absl::StrCat(Shown(access.identity, kMaxShownBytes), " the operation ",
                                   OperationName(access.operation), " on the connection \"",
                                   Shown(access.connection), "\"");
  if (access.subject) {
    absl::StrAppend(&asked, " for the subject \"", Shown(*access.subject, kMaxShownBytes), "\"");
  }
  return asked;
}

absl::Status NotAllowed(absl::string_view asked) {
  return Error(absl::StatusCode::kPermissionDenied, "NOT_ALLOWED",
               absl::StrCat("no role allows ", asked,
                            ": ask the operator to add one to the policy of the daemon that was "
                            "asked"));
}

absl::Status DeniedBy(const PolicyRole& role, absl::string_view asked) {
  return Error(absl::StatusCode::kPermissionDenied, "DENIED_BY_ROLE",
               absl::StrCat("the role ", role.name, " denies ", asked,
                            ": no other role can allow it; ask the operator whether that role of "
                            "the policy is meant for this"));
}

}  // namespace

bool PolicyRole::MatchesSubject(absl::string_view subject) const {
  return subjects.empty() || std::any_of(subjects.begin(), subjects.end(),
                                         [&](const std::string& s) { return s == subject; });
}

absl::StatusOr<AuthorizationPolicy> AuthorizationPolicy::Parse(absl::string_view yaml,
                                                               absl::string_view file) {
  ASSIGN_OR_RETURN(const YamlNode document, ParseYaml(yaml, file));
  return PolicyReader(file, yaml).Read(document);
}

absl::StatusOr<AuthorizationPolicy> LoadPolicy(const std::string& file) {
  ASSIGN_OR_RETURN(const std::string yaml, ReadFile(file, kMaxPolicyBytes));
  return AuthorizationPolicy::Parse(yaml, file);
}

void AuthorizationPolicy::BuildIndex() {
  for (uint32_t i = 0; i < roles_.size(); ++i) {
    const PolicyRole& role = roles_[i];
    const auto add = [&](Indexes& indexes) {
      (role.denies ? indexes.denying : indexes.allowing).push_back(i);
    };
    if (role.identities.has_everybody()) add(of_everybody_);
    for (const std::string& identity : role.identities.exact()) add(by_identity_[identity]);
    for (const std::string& key : role.identities.wildcards()) add(by_wildcard_[key]);
  }
}

template <typename Visit>
void AuthorizationPolicy::VisitIndexes(absl::string_view identity, Visit visit) const {
  if (const auto found = by_identity_.find(identity); found != by_identity_.end()) {
    visit(found->second);
  }
  if (const absl::string_view wildcard = WildcardKeyOf(identity); !wildcard.empty()) {
    const auto found = by_wildcard_.find(wildcard);
    if (found != by_wildcard_.end()) visit(found->second);
  }
  visit(of_everybody_);
}

template <typename Matches>
const PolicyRole* AuthorizationPolicy::First(absl::string_view identity,
                                             std::vector<uint32_t> Indexes::*effect,
                                             Matches matches) const {
  const PolicyRole* first = nullptr;
  VisitIndexes(identity, [&](const Indexes& indexes) {
    for (const uint32_t index : indexes.*effect) {
      const PolicyRole* role = &roles_[index];
      if (first != nullptr && first < role) return;
      if (matches(*role)) first = role;
    }
  });
  return first;
}

const PolicyRole* AuthorizationPolicy::Denying(const Access& access) const {
  return First(access.identity, &Indexes::denying, [&](const PolicyRole& role) {
    return role.HasOperation(access.operation) && role.connections.Contains(access.connection) &&
           (access.subject ? role.MatchesSubject(*access.subject) : role.subjects.empty());
  });
}

const PolicyRole* AuthorizationPolicy::Allowing(const Access& access) const {
  return First(access.identity, &Indexes::allowing, [&](const PolicyRole& role) {
    return role.HasOperation(access.operation) && role.connections.Contains(access.connection) &&
           (!access.subject || role.MatchesSubject(*access.subject));
  });
}

Decision AuthorizationPolicy::Decide(const Access& access) const {
  if (const PolicyRole* role = Denying(access)) {
    return {.status = DeniedBy(*role, WhatIsAsked(access)), .role = role->name};
  }
  if (const PolicyRole* role = Allowing(access)) {
    return {.status = absl::OkStatus(), .role = role->name};
  }
  return {.status = NotAllowed(WhatIsAsked(access)), .role = {}};
}

Decision AuthorizationPolicy::DecideForAll(absl::string_view identity, Operation operation) const {
  const auto asked = [&] {
    return absl::StrCat(Shown(identity, kMaxShownBytes), " the operation ",
                        OperationName(operation), " on all connections (\"*\")");
  };
  const auto has_operation = [&](const PolicyRole& role) { return role.HasOperation(operation); };
  if (const PolicyRole* role = First(identity, &Indexes::denying, has_operation)) {
    return {.status = DeniedBy(*role, asked()), .role = role->name};
  }
  const auto allows_all = [&](const PolicyRole& role) {
    return role.HasOperation(operation) && role.subjects.empty() && role.connections.ContainsAll();
  };
  if (const PolicyRole* role = First(identity, &Indexes::allowing, allows_all)) {
    return {.status = absl::OkStatus(), .role = role->name};
  }
  return {.status = NotAllowed(asked()), .role = {}};
}

bool AuthorizationPolicy::Allows(absl::string_view identity, absl::string_view connection,
                                 Operation operation) const {
  const Access access{.identity = identity, .connection = connection, .operation = operation};
  return Denying(access) == nullptr && Allowing(access) != nullptr;
}

bool AuthorizationPolicy::AllowsAny(absl::string_view identity, Operation operation) const {
  const auto is_denied = [&](const PolicyItem& connection) {
    return First(identity, &Indexes::denying, [&](const PolicyRole& role) {
             return role.HasOperation(operation) && role.subjects.empty() &&
                    role.connections.Covers(connection.text);
           }) != nullptr;
  };
  return First(identity, &Indexes::allowing, [&](const PolicyRole& role) {
           return role.HasOperation(operation) &&
                  !std::all_of(role.connection_items.begin(), role.connection_items.end(),
                               is_denied);
         }) != nullptr;
}

const Quota* AuthorizationPolicy::QuotaOfIdentity(absl::string_view identity) const {
  for (const PolicyQuota& quota : quotas_) {
    if (quota.identities.Contains(identity)) return &quota.quota;
  }
  return nullptr;
}

const Quota* AuthorizationPolicy::QuotaOfConnection(absl::string_view connection) const {
  for (const PolicyQuota& quota : quotas_) {
    if (quota.connections.Contains(connection)) return &quota.quota;
  }
  return nullptr;
}

absl::Status WithPolicyMistakes(const absl::Status& mistakes, const std::string& file) {
  absl::Status policy = LoadPolicy(file).status();
  if (!absl::IsInvalidArgument(policy)) return mistakes;
  if (mistakes.ok()) return policy;
  return absl::InvalidArgumentError(absl::StrCat(mistakes.message(), "\n", policy.message()));
}

}  // namespace keyward::signer
