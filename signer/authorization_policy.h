// Third step of the signing path: who may do what with which connection.
#ifndef KEYWARD_SIGNER_AUTHORIZATION_POLICY_H_
#define KEYWARD_SIGNER_AUTHORIZATION_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::signer {

enum class Operation : uint8_t { kSign, kView, kManageConnections, kRotate, kAdopt, kExchange };

// As policy.yaml writes it: "sign", "view", "manage-connections", "rotate", "adopt",
// "exchange". The last is asked for by keyward-exchange, the others by the signer.
absl::string_view OperationName(Operation operation);

// What the policy says about a call, and by which role.
struct Decision {
  // OK, or PERMISSION_DENIED NOT_ALLOWED.
  absl::Status status;
  // Name of the first role in the file that allows it, empty where none does.
  // Valid as long as the policy.
  absl::string_view role;
};

// policy.yaml: roles that bind identities to connections and operations. What no
// role allows is denied, so an empty file denies everything.
//
//   roles:
//     - name: billing-backend
//       identities: ["spiffe://keyward.example/billing/*", "cn:operator"]
//       connections: ["acme", "eu-*"]        # exact, prefix*, or * for all
//       operations: [sign, view]             # manage-connections, rotate, adopt, exchange
//
// Immutable: safe for use from several threads.
class AuthorizationPolicy {
 public:
  // Reads `yaml`, the contents of `file` (a name for messages). Errors:
  // INVALID_ARGUMENT without a reason, whose message has a line for each mistake
  // in the file: "policy.yaml:4: roles[0].identities[1]: ...".
  static absl::StatusOr<AuthorizationPolicy> Parse(absl::string_view yaml, absl::string_view file);

  // Whether `identity`, as CallerIdentity() writes it, may do `operation` with
  // the connection named `connection`. The answer depends on the names alone, so
  // a refusal does not tell whether there is such a connection. Allocates nothing
  // unless it refuses.
  Decision Decide(absl::string_view identity, absl::string_view connection,
                  Operation operation) const;

  absl::Status Check(absl::string_view identity, absl::string_view connection,
                     Operation operation) const {
    return Decide(identity, connection, operation).status;
  }

  // Check() without a sentence for the caller, and without allocations.
  bool Allows(absl::string_view identity, absl::string_view connection, Operation operation) const {
    return DecidingRole(identity, connection, operation) != nullptr;
  }

  size_t role_count() const { return roles_.size(); }

 private:
  struct Role {
    std::string name;
    // A bit for each Operation.
    uint8_t operations = 0;
    absl::flat_hash_set<std::string> connections;
    // What stands before the "*"; "" matches every name.
    std::vector<std::string> connection_prefixes;

    bool Covers(absl::string_view connection, Operation operation) const;
  };
  // Indexes into roles_, ascending.
  using RoleIndexes = absl::flat_hash_map<std::string, std::vector<size_t>>;
  friend class PolicyReader;

  AuthorizationPolicy() = default;

  const Role* DecidingRole(absl::string_view identity, absl::string_view connection,
                           Operation operation) const;

  std::vector<Role> roles_;
  RoleIndexes by_identity_;
  // By the key of an IdentityPattern.
  RoleIndexes by_wildcard_;
};

// Parse() of a file. Errors also as for ReadFile().
absl::StatusOr<AuthorizationPolicy> LoadPolicy(const std::string& file);

// The mistakes of a settings file that names the policy `file` (OK for none), followed by
// those inside the policy. A policy that cannot be read adds nothing: that is a mistake of
// the settings.
absl::Status WithPolicyMistakes(const absl::Status& mistakes, const std::string& file);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUTHORIZATION_POLICY_H_
