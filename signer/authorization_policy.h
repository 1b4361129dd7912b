// Third step of the signing path: who may do what with which connection.
#ifndef KEYWARD_SIGNER_AUTHORIZATION_POLICY_H_
#define KEYWARD_SIGNER_AUTHORIZATION_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "signer/policy_patterns.h"
#include "signer/policy_terms.h"

namespace keyward::signer {

// What a policy file may hold at most.
inline constexpr size_t kMaxPolicyBytes = 1 << 20;
inline constexpr size_t kMaxRoles = 1000;
inline constexpr size_t kMaxQuotas = 100;
inline constexpr size_t kMaxPolicyNameBytes = 100;

// What the policy says about a call, and by which role.
struct Decision {
  // OK, or PERMISSION_DENIED: NOT_ALLOWED where no role allows it, DENIED_BY_ROLE where
  // one denies it.
  absl::Status status;
  // Name of the role that decides: the first in the file that denies it, else the first
  // that allows it, else empty. Valid as long as the policy.
  absl::string_view role;
};

// One role of the file.
struct PolicyRole {
  std::string name;
  // Where it begins, from 1.
  int line = 0;
  bool denies = false;
  // A bit for each Operation.
  uint16_t operations = 0;
  IdentitySet identities;
  ConnectionSet connections;
  // Empty: whoever the subject is.
  SubjectSet subjects;
  // The lists as they were written, for warnings.
  std::vector<PolicyItem> identity_items;
  std::vector<PolicyItem> connection_items;
  std::vector<PolicyItem> operation_items;
  std::vector<PolicyItem> subject_items;

  bool HasOperation(Operation operation) const { return (operations & BitOf(operation)) != 0; }
  // One that denies does so in upper and lower case: Salesforce takes "USER@..." for
  // "user@...", so that another spelling must not get around it. Its subjects are in lower
  // case.
  bool HasSubject(absl::string_view subject) const {
    if (subjects.empty()) return true;
    return denies ? subjects.Contains(absl::AsciiStrToLower(subject)) : subjects.Contains(subject);
  }
};

// How many calls are let through: `burst` at once and `per_second` in the long run.
struct Quota {
  std::string name;
  double per_second = 0;
  double burst = 0;
};

// One entry of `quotas`: it names identities or connections, and the other set is empty.
struct PolicyQuota {
  Quota quota;
  // Where it begins, from 1.
  int line = 0;
  IdentitySet identities;
  ConnectionSet connections;
  std::vector<PolicyItem> identity_items;
  std::vector<PolicyItem> connection_items;
};

// policy.yaml: roles that bind identities to connections and operations. What no
// role allows is denied, so an empty file denies everything; what one role denies no
// other can allow. docs/configuration.md describes it whole.
//
//   roles:
//     - name: billing-backend
//       identities: ["spiffe://keyward.example/billing/*", "cn:operator"]
//       connections: ["acme", "eu-*"]        # exact, prefix*, or * for all
//       operations: [sign, view]
//
// Immutable: safe for use from several threads. Questions that are answered with yes
// allocate nothing.
class AuthorizationPolicy {
 public:
  // Reads `yaml`, the contents of `file` (a name for messages). Errors:
  // INVALID_ARGUMENT without a reason, whose message has a line for each mistake
  // in the file: "policy.yaml:4: roles[0].identities[1]: ...".
  static absl::StatusOr<AuthorizationPolicy> Parse(absl::string_view yaml, absl::string_view file);

  // Whether it may be. Without a subject the answer is yes where it may be for some
  // subject: it needs to be asked again once the subject is known, for only then
  // roles that deny single subjects count. The answer depends on the names alone, so
  // a refusal does not tell whether there is such a connection.
  Decision Decide(const Access& access) const;

  // Whether `identity` may do `operation` with every connection there is or will be: a
  // role allows it whose connections have "*" (and that names no subjects), and none
  // denies it for any connection.
  Decision DecideForAll(absl::string_view identity, Operation operation) const;

  // Decide() without a subject, and without a sentence for the caller.
  bool Allows(absl::string_view identity, absl::string_view connection, Operation operation) const;

  // Whether `identity` may do `operation` with some connection, whether there is such a
  // one or not.
  bool AllowsAny(absl::string_view identity, Operation operation) const;

  // The first quota of the file that has `identity` or `connection`; null where none
  // has, and then there is no limit. Valid as long as the policy.
  const Quota* QuotaOfIdentity(absl::string_view identity) const;
  const Quota* QuotaOfConnection(absl::string_view connection) const;

  // Whether a second person must approve `change`, and within which time.
  bool NeedsApproval(Change change) const { return (approvals_ & BitOf(change)) != 0; }
  absl::Duration approval_lifetime() const { return approval_lifetime_; }

  // Of the file's bytes: 64 hexadecimal digits.
  const std::string& sha256() const { return sha256_; }

  // What is allowed to be written but has no effect, or not the one that was meant:
  // "policy.yaml:12: ...", in the order of the file.
  const std::vector<std::string>& warnings() const { return warnings_; }

  // Whether some role names subjects; else the subject decides nothing.
  bool has_subjects() const { return has_subjects_; }

  size_t role_count() const { return roles_.size(); }
  // In the order of the file.
  const std::vector<PolicyRole>& roles() const { return roles_; }
  const std::vector<PolicyQuota>& quotas() const { return quotas_; }
  // What needs approval, as it was written.
  const std::vector<PolicyItem>& approval_items() const { return approval_items_; }

 private:
  // Indexes into roles_, ascending.
  struct Indexes {
    std::vector<uint32_t> denying;
    std::vector<uint32_t> allowing;
  };
  friend class PolicyReader;

  AuthorizationPolicy() = default;

  void BuildIndex();
  // Calls `visit` with the Indexes of each list that has `identity`: itself, as one that
  // a wildcard matches, and as one of everybody.
  template <typename Visit>
  void VisitIndexes(absl::string_view identity, Visit visit) const;
  // The first role of the file, of those of `effect` that have `identity`, that
  // `matches`; null for none.
  template <typename Matches>
  const PolicyRole* First(absl::string_view identity, std::vector<uint32_t> Indexes::*effect,
                          Matches matches) const;
  const PolicyRole* Denying(const Access& access) const;
  const PolicyRole* Allowing(const Access& access) const;

  std::vector<PolicyRole> roles_;
  bool has_subjects_ = false;
  absl::flat_hash_map<std::string, Indexes> by_identity_;
  // By the key of an IdentityPattern.
  absl::flat_hash_map<std::string, Indexes> by_wildcard_;
  Indexes of_everybody_;
  std::vector<PolicyQuota> quotas_;
  // A bit for each Change.
  uint16_t approvals_ = 0;
  std::vector<PolicyItem> approval_items_;
  absl::Duration approval_lifetime_ = absl::Hours(24);
  std::string sha256_;
  std::vector<std::string> warnings_;
};

// Parse() of a file of at most kMaxPolicyBytes. Errors also as for ReadFile().
absl::StatusOr<AuthorizationPolicy> LoadPolicy(const std::string& file);

// The mistakes of a settings file that names the policy `file` (OK for none), followed by
// those inside the policy. A policy that cannot be read adds nothing: that is a mistake of
// the settings.
absl::Status WithPolicyMistakes(const absl::Status& mistakes, const std::string& file);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUTHORIZATION_POLICY_H_
