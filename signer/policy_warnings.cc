#include "signer/policy_warnings.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "signer/identity_pattern.h"

namespace keyward::signer {
namespace {

using Items = std::vector<PolicyItem>;
// Sorted by line.
using Warnings = std::multimap<int, std::string>;

template <typename Set>
bool CoversAll(const Set& set, const Items& items) {
  return absl::c_all_of(items, [&](const PolicyItem& item) { return set.Covers(item.text); });
}

std::string NameOf(const PolicyRole& role) {
  return absl::StrCat("the role ", role.name, " in line ", role.line);
}

// Which of the lists of `role` the role `wide` has whole.
struct Coverage {
  Coverage(const PolicyRole& wide, const PolicyRole& role)
      : operations((role.operations & ~wide.operations) == 0),
        connections(CoversAll(wide.connections, role.connection_items)),
        identities(CoversAll(wide.identities, role.identity_items)),
        subjects(wide.subjects.empty() ||
                 (!role.subjects.empty() && CoversAll(wide.subjects, role.subject_items))) {}

  bool all() const { return operations && connections && identities && subjects; }

  bool operations;
  bool connections;
  bool identities;
  bool subjects;
};

// Items of `role` of which `denying` leaves nothing: of the one list that it does not have
// whole, those that it has.
std::vector<const PolicyItem*> DeniedItems(const PolicyRole& denying, const PolicyRole& role,
                                           const Coverage& has) {
  std::vector<const PolicyItem*> denied;
  const auto look = [&](const Items& items, auto covers) {
    for (const PolicyItem& item : items) {
      if (covers(item.text)) denied.push_back(&item);
    }
  };
  if (!has.subjects) return {};
  if (has.operations && has.connections) {
    look(role.identity_items, [&](const auto& text) { return denying.identities.Covers(text); });
  } else if (has.operations && has.identities) {
    look(role.connection_items, [&](const auto& text) { return denying.connections.Covers(text); });
  } else if (has.connections && has.identities) {
    look(role.operation_items,
         [&](const auto& text) { return denying.HasOperation(*OperationOf(text)); });
  }
  return denied;
}

// Whether roles that deny leave nothing of `role`, which allows.
bool FindDenied(const std::vector<PolicyRole>& roles, const PolicyRole& role, Warnings& warnings) {
  std::map<const PolicyItem*, const PolicyRole*> denied;
  for (const PolicyRole& denying : roles) {
    if (!denying.denies) continue;
    const Coverage has(denying, role);
    if (has.all()) {
      warnings.emplace(role.line, absl::StrCat("the role ", role.name, " allows nothing: ",
                                               NameOf(denying), " denies all of it"));
      return true;
    }
    for (const PolicyItem* item : DeniedItems(denying, role, has)) denied.emplace(item, &denying);
  }
  for (const auto& [item, denying] : denied) {
    warnings.emplace(item->line, absl::StrCat("\"", item->text, "\" has no effect in the role ",
                                              role.name, ": ", NameOf(*denying), " denies it"));
  }
  return false;
}

void FindShadowed(const std::vector<PolicyRole>& roles, const PolicyRole& role,
                  Warnings& warnings) {
  for (const PolicyRole& other : roles) {
    if (&other == &role || other.denies != role.denies || !Coverage(other, role).all()) continue;
    // Of two that are the same, the later one is too many.
    if (&other > &role && Coverage(role, other).all()) continue;
    warnings.emplace(role.line,
                     absl::StrCat("the role ", role.name, " changes nothing: ", NameOf(other),
                                  role.denies ? " denies" : " allows", " all of it"));
    return;
  }
}

void FindQuotasWithoutCalls(const std::vector<PolicyQuota>& quotas, Warnings& warnings) {
  IdentitySet identities;
  ConnectionSet connections;
  for (const PolicyQuota& quota : quotas) {
    if (CoversAll(identities, quota.identity_items) &&
        CoversAll(connections, quota.connection_items)) {
      warnings.emplace(quota.line,
                       absl::StrCat("the quota ", quota.quota.name,
                                    " never counts: the quotas "
                                    "above it have all of its ",
                                    quota.identity_items.empty() ? "connections" : "identities"));
    }
    for (const PolicyItem& item : quota.identity_items) {
      const absl::StatusOr<IdentityPattern> pattern = ParseIdentityPattern(item.text);
      pattern.ok() ? identities.Add(*pattern) : identities.AddEverybody();
    }
    for (const PolicyItem& item : quota.connection_items) connections.Add(item.text);
  }
}

// Whether some role lets another than `identity` do `operation` with a connection of
// `connection`, an item.
bool HasAnother(const std::vector<PolicyRole>& roles, absl::string_view identity,
                absl::string_view connection, Operation operation) {
  return absl::c_any_of(roles, [&](const PolicyRole& role) {
    const IdentitySet& who = role.identities;
    return !role.denies && role.HasOperation(operation) && role.connections.Overlaps(connection) &&
           (!who.wildcards().empty() || who.exact().size() > 1 || !who.exact().contains(identity));
  });
}

bool IsDenied(const std::vector<PolicyRole>& roles, absl::string_view identity,
              absl::string_view connection, Operation operation) {
  return absl::c_any_of(roles, [&](const PolicyRole& role) {
    return role.denies && role.HasOperation(operation) && role.subjects.empty() &&
           role.identities.Covers(identity) && role.connections.Covers(connection);
  });
}

// A wildcard may stand for two, and so is never alone.
void FindLonelyApprovals(const AuthorizationPolicy& policy, const PolicyItem& change,
                         Warnings& warnings) {
  const std::vector<PolicyRole>& roles = policy.roles();
  const Operation operation = OperationFor(*ChangeOf(change.text));
  for (const PolicyRole& role : roles) {
    if (role.denies || !role.HasOperation(operation) || !role.identities.wildcards().empty() ||
        role.identities.exact().size() != 1) {
      continue;
    }
    const std::string& identity = *role.identities.exact().begin();
    for (const PolicyItem& connection : role.connection_items) {
      if (HasAnother(roles, identity, connection.text, operation) ||
          IsDenied(roles, identity, connection.text, operation)) {
        continue;
      }
      warnings.emplace(change.line, absl::StrCat("\"", change.text,
                                                 "\": nobody can approve it for the "
                                                 "connection \"",
                                                 connection.text, "\", for only ", identity,
                                                 " has the operation ", OperationName(operation),
                                                 " there: give it to a second identity"));
      return;
    }
  }
}

void FindUnusedKinds(const Items& items, const IdentityKinds& kinds, Warnings& warnings) {
  for (const PolicyItem& item : items) {
    if (item.text == kAll) continue;
    const std::string kind = item.text.substr(0, item.text.find(':'));
    const bool counts = kind == "spiffe" ? kinds.spiffe
                        : kind == "dns"  ? kinds.dns
                                         : kinds.common_name;
    if (counts) continue;
    warnings.emplace(item.line, absl::StrCat("\"", item.text, "\" is never anybody's identity: ",
                                             kind, " is not among identity.kinds"));
  }
}

std::vector<std::string> WithFile(const Warnings& warnings, absl::string_view file) {
  std::vector<std::string> lines;
  lines.reserve(warnings.size());
  for (const auto& [line, text] : warnings) {
    lines.push_back(absl::StrCat(file, ":", line, ": ", text));
  }
  return lines;
}

}  // namespace

std::vector<std::string> PolicyWarnings(const AuthorizationPolicy& policy, absl::string_view file) {
  Warnings warnings;
  for (const PolicyRole& role : policy.roles()) {
    if (!role.denies && FindDenied(policy.roles(), role, warnings)) continue;
    FindShadowed(policy.roles(), role, warnings);
  }
  FindQuotasWithoutCalls(policy.quotas(), warnings);
  for (const PolicyItem& change : policy.approval_items()) {
    FindLonelyApprovals(policy, change, warnings);
  }
  return WithFile(warnings, file);
}

std::vector<std::string> UnusedKindWarnings(const AuthorizationPolicy& policy,
                                            const IdentityKinds& kinds, absl::string_view file) {
  Warnings warnings;
  for (const PolicyRole& role : policy.roles()) {
    FindUnusedKinds(role.identity_items, kinds, warnings);
  }
  for (const PolicyQuota& quota : policy.quotas()) {
    FindUnusedKinds(quota.identity_items, kinds, warnings);
  }
  return WithFile(warnings, file);
}

}  // namespace keyward::signer
