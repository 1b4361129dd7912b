#include "signer/policy_terms.h"

#include <algorithm>

namespace keyward::signer {

std::optional<Operation> OperationOf(absl::string_view name) {
  const auto* found = std::find(kOperationNames.begin(), kOperationNames.end(), name);
  if (found == kOperationNames.end()) return std::nullopt;
  return static_cast<Operation>(found - kOperationNames.begin());
}

std::optional<Change> ChangeOf(absl::string_view name) {
  const auto* found = std::find(kChangeNames.begin(), kChangeNames.end(), name);
  if (found == kChangeNames.end()) return std::nullopt;
  return static_cast<Change>(found - kChangeNames.begin());
}

bool HasSubjects(Operation operation) {
  return operation == Operation::kSign || operation == Operation::kExchange;
}

Operation OperationFor(Change change) {
  switch (change) {
    case Change::kDestroy:
      return Operation::kDestroy;
    case Change::kAdopt:
      return Operation::kAdopt;
    case Change::kActivate:
      return Operation::kActivate;
    case Change::kConsumerKey:
    case Change::kAudiences:
    case Change::kLoginHost:
    case Change::kSubjects:
    case Change::kThaw:
      break;
  }
  return Operation::kManageConnections;
}

}  // namespace keyward::signer
