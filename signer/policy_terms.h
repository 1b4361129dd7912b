// The words of policy.yaml.
#ifndef KEYWARD_SIGNER_POLICY_TERMS_H_
#define KEYWARD_SIGNER_POLICY_TERMS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace keyward::signer {

// What a role may allow or deny. kExchange is asked for by keyward-exchange, the others
// by the signer.
enum class Operation : uint8_t {
  kSign,
  kView,
  kManageConnections,
  kRotate,
  kAdopt,
  kExchange,
  kActivate,
  kDisable,
  kDestroy,
  kReadAudit,
};

// As the policy writes them, in the order of enum Operation.
inline constexpr std::array<absl::string_view, 10> kOperationNames = {
    "sign",    "view",    "manage-connections", "rotate", "adopt", "exchange", "activate",
    "disable", "destroy", "read-audit"};

inline absl::string_view OperationName(Operation operation) {
  return kOperationNames[static_cast<size_t>(operation)];
}

// The operation of that name, or nothing.
std::optional<Operation> OperationOf(absl::string_view name);

constexpr uint16_t BitOf(Operation operation) {
  return static_cast<uint16_t>(1U << static_cast<unsigned>(operation));
}

// Whether roles for `operation` may name subjects: sign and exchange.
bool HasSubjects(Operation operation);

// What may need a second person's approval.
enum class Change : uint8_t {
  kDestroy,
  kAdopt,
  kActivate,
  kConsumerKey,
  kAudiences,
  kLoginHost,
  kSubjects,
  kThaw,
};

// As the policy writes them, in the order of enum Change.
inline constexpr std::array<absl::string_view, 8> kChangeNames = {
    "destroy", "adopt", "activate", "consumer-key", "audiences", "login-host", "subjects", "thaw"};

inline absl::string_view ChangeName(Change change) {
  return kChangeNames[static_cast<size_t>(change)];
}

// The change of that name, or nothing.
std::optional<Change> ChangeOf(absl::string_view name);

constexpr uint16_t BitOf(Change change) {
  return static_cast<uint16_t>(1U << static_cast<unsigned>(change));
}

// The operation that a caller needs for `change`, and whoever approves it too.
Operation OperationFor(Change change);

// What is asked of a policy. `identity` as CallerIdentity() writes it.
struct Access {
  absl::string_view identity;
  absl::string_view connection;
  Operation operation;
  // The Salesforce user, of sign and exchange; none: for some user, whoever that is.
  std::optional<absl::string_view> subject = {};
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_POLICY_TERMS_H_
