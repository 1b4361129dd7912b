// Where the audit log stood.
#include <limits>
#include <string>

#include "tests/keystore/registry/registry_contract.h"

namespace keyward::registry {
namespace {

const std::string kHash(64, 'a');
const std::string kOtherHash(64, '0');

TEST_P(RegistryContractTest, HasNoAuditAnchorAtFirst) {
  const auto anchor = registry_->GetAuditAnchor();
  ASSERT_THAT(anchor.status(), IsOk());
  EXPECT_EQ(*anchor, std::nullopt);
}

TEST_P(RegistryContractTest, TheLastAuditAnchorIsKept) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  for (const AuditAnchor& anchor :
       {AuditAnchor{1, kHash}, AuditAnchor{kMost, kOtherHash}, AuditAnchor{7, kHash}}) {
    ASSERT_THAT(registry_->SetAuditAnchor(anchor.sequence, anchor.sha256), IsOk());
    Reopen();
    EXPECT_EQ(*registry_->GetAuditAnchor(), anchor);
  }
}

TEST_P(RegistryContractTest, WhatIsNoAuditAnchorIsRefused) {
  ASSERT_THAT(registry_->SetAuditAnchor(7, kHash), IsOk());
  const auto code = [&](uint64_t sequence, const std::string& sha256) {
    return registry_->SetAuditAnchor(sequence, sha256).code();
  };
  EXPECT_EQ(code(0, kHash), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(uint64_t{1} << 63, kHash), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(8, ""), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(8, std::string(63, 'a')), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(8, std::string(64, 'A')), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(*registry_->GetAuditAnchor(), (AuditAnchor{7, kHash}));
}

}  // namespace
}  // namespace keyward::registry
