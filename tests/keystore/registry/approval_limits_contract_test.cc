// How many approvals wait, of whom, and how long they are kept.
#include "absl/strings/str_cat.h"
#include "tests/keystore/registry/approvals_contract.h"

namespace keyward::registry {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::SizeIs;

const auto kNotFound = FailsWith(StatusCode::kNotFound, "APPROVAL_NOT_FOUND");
const auto kTooMany = FailsWith(StatusCode::kResourceExhausted, "TOO_MANY_APPROVALS");

// Also one that was refused: asking again until somebody nods is no way around it.
TEST_P(RegistryContractTest, AnEqualRequestGetsTheApprovalThatIsThere) {
  const Approval first = SomeApproval("first");
  Approval equal = SomeApproval("second");
  equal.request_sha256 = first.request_sha256;
  Create(approvals(), first);
  EXPECT_EQ(approvals().Create(equal)->name, "first");
  ASSERT_THAT(approvals().Decide("first", false, "dns:b", "no", kNow).status(), IsOk());
  EXPECT_EQ(approvals().Create(equal)->state, ApprovalState::kRefused);
  EXPECT_THAT(approvals().Get("second").status(), kNotFound);

  Approval of_other = equal;
  of_other.requester = "dns:other";
  EXPECT_EQ(approvals().Create(of_other)->name, "second");
  Approval later = equal;
  later.name = "third";
  later.create_time = kEnd;
  later.expire_time = kEnd + absl::Hours(1);
  EXPECT_EQ(approvals().Create(later)->name, "third") << "the first has expired";
}

TEST_P(RegistryContractTest, ARequesterMayWaitForTwentyApprovals) {
  for (size_t i = 0; i < kMaxPendingApprovalsOfRequester; ++i) {
    Create(approvals(), SomeApproval(absl::StrCat("a", i)));
  }
  EXPECT_THAT(approvals().Create(SomeApproval("more")).status(), kTooMany);
  EXPECT_EQ(approvals().Create(SomeApproval("a0"))->name, "a0") << "adds none";
  Approval of_other = SomeApproval("of other");
  of_other.requester = "dns:other";
  Create(approvals(), of_other);
  ASSERT_THAT(approvals().Decide("a0", false, "dns:b", "", kNow).status(), IsOk());
  Create(approvals(), SomeApproval("more"));
  EXPECT_THAT(approvals().Create(SomeApproval("even more")).status(), kTooMany);
  Create(approvals(), SomeApproval("when they have expired", kEnd));
}

TEST_P(RegistryContractTest, AThousandApprovalsOfEverybodyWait) {
  for (size_t i = 0; i < kMaxPendingApprovals; ++i) {
    Approval approval = SomeApproval(absl::StrCat("a", i));
    approval.requester = absl::StrCat("dns:r", i / kMaxPendingApprovalsOfRequester);
    Create(approvals(), approval);
  }
  EXPECT_THAT(approvals().Create(SomeApproval("more")).status(), kTooMany);
  EXPECT_THAT(*approvals().List("", true, kNow), SizeIs(kMaxListedApprovals));
  Create(approvals(), SomeApproval("when they have expired", kEnd));
}

TEST_P(RegistryContractTest, LongExpiredApprovalsAreForgotten) {
  CreateApproved(approvals(), "one");
  ASSERT_THAT(approvals().Use("one", kNow), IsOk());
  Create(approvals(), SomeApproval("two"));
  Create(approvals(), SomeApproval("at the limit", kEnd + kApprovalKeptAfterExpiry));
  EXPECT_THAT(approvals().Get("one").status(), IsOk());
  Create(approvals(),
         SomeApproval("after it", kEnd + kApprovalKeptAfterExpiry + absl::Microseconds(1)));
  EXPECT_THAT(NamesOf(*approvals().List("", false, kNow)), ElementsAre("after it", "at the limit"));
}

}  // namespace
}  // namespace keyward::registry
