// What the tests of approvals share.
#ifndef KEYWARD_TESTS_KEYSTORE_REGISTRY_APPROVALS_CONTRACT_H_
#define KEYWARD_TESTS_KEYSTORE_REGISTRY_APPROVALS_CONTRACT_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/keystore/registry/registry_contract.h"

namespace keyward::registry {

inline const absl::Time kNow = absl::FromUnixMicros(1'800'000'000'123'456);
inline const absl::Time kEnd = kNow + absl::Hours(24);

// Pending from kNow to kEnd, or for a day from `created`; its digest is of its name.
Approval SomeApproval(const std::string& name);
Approval SomeApproval(const std::string& name, absl::Time created);

void ExpectApproval(const Approval& actual, const Approval& expected);

std::vector<std::string> NamesOf(const std::vector<Approval>& approvals);

void Create(ApprovalStore& approvals, const Approval& approval);
void CreateApproved(ApprovalStore& approvals, const std::string& name);

}  // namespace keyward::registry

#endif  // KEYWARD_TESTS_KEYSTORE_REGISTRY_APPROVALS_CONTRACT_H_
