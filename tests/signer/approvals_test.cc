// The two-person rule on a real registry, with times of the test's choice.
#include "signer/approvals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <keyward/v1/connections.pb.h>

#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "keystore/registry/sqlite_registry.h"
#include "tests/testing/code_and_reason.h"
#include "tests/testing/temp_dir.h"

namespace keyward::signer {
namespace {

using registry::Approval;
using registry::ApprovalState;
using testing::CodeAndReason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kPolicy[] = R"(roles:
  - {name: admins, identities: ["cn:anna", "cn:ben", "cn:carl"], connections: ["*"], operations: [manage-connections, destroy, activate]}
  - {name: managers, identities: ["cn:mona"], connections: ["*"], operations: [view, manage-connections]}
  - {name: local, identities: ["cn:lena"], connections: ["acme"], operations: [activate]}
  - {name: viewers, identities: ["cn:vera"], connections: ["acme"], operations: [view]}
approvals: {required: [destroy, consumer-key, thaw], lifetime_minutes: 60}
)";

AuthorizationPolicy ParsePolicy(const std::string& yaml) {
  auto policy = AuthorizationPolicy::Parse(yaml, "policy.yaml");
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *std::move(policy);
}

class ApprovalsTest : public ::testing::Test {
 protected:
  ApprovalsTest()
      : policy_(ParsePolicy(kPolicy)),
        registry_(*registry::OpenSqliteRegistry(dir_.File("registry.db"))),
        approvals_(*registry_) {}

  AuditRecord RecordOf(const std::string& identity) const {
    return {.time = now_, .identity = identity};
  }

  static WantedChange NewKey(const std::string& key = "new") {
    v1::UpdateConnectionRequest request;
    request.mutable_connection()->set_name("acme");
    request.mutable_connection()->set_consumer_key(key);
    return {.method = "UpdateConnection",
            .connection = "acme",
            .create_time = absl::FromUnixSeconds(1),
            .request = CanonicalRequest(request),
            .changes = {Change::kConsumerKey},
            .before = R"({"consumer_key":"old"})",
            .after = absl::StrCat(R"({"consumer_key":")", key, R"("})")};
  }

  absl::StatusOr<Approved> Require(const std::string& identity, const WantedChange& change,
                                   AuditRecord* record = nullptr) {
    AuditRecord own = RecordOf(identity);
    asked_ = false;
    auto approved = approvals_.Require(policy_, change, record ? * record = own : own, asked_);
    if (record == nullptr) last_ = own;
    return approved;
  }

  // Asks, and returns the approval's name.
  std::string Ask(const std::string& identity, const WantedChange& change = NewKey()) {
    const auto required = Require(identity, change);
    EXPECT_EQ(CodeAndReason(required.status()), "FAILED_PRECONDITION APPROVAL_REQUIRED");
    EXPECT_EQ(MetadataOf(required.status())["approval"], last_.approval);
    return last_.approval;
  }

  absl::StatusOr<Approval> Decide(const std::string& identity, const std::string& name,
                                  bool approve = true) {
    AuditRecord record = RecordOf(identity);
    auto decided = approvals_.Decide(policy_, name, approve, "because", record);
    last_ = record;
    return decided;
  }

  std::vector<std::string> Seen(const std::string& identity, bool all = false) {
    std::vector<std::string> names;
    const auto listed = approvals_.List(policy_, identity, all, "", now_);
    EXPECT_TRUE(listed.ok()) << listed.status();
    for (const Approval& approval : *listed) names.push_back(approval.name);
    return names;
  }

  testing::TempDir dir_;
  AuthorizationPolicy policy_;
  std::unique_ptr<registry::Registry> registry_;
  Approvals approvals_;
  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  bool asked_ = false;
  AuditRecord last_;
};

TEST_F(ApprovalsTest, WhatThePolicyDoesNotListNeedsNobody) {
  WantedChange change = NewKey();
  change.changes = {Change::kAudiences};
  const auto approved = Require("cn:anna", change);
  ASSERT_TRUE(approved.ok()) << approved.status();
  EXPECT_EQ(approved->name, "");
  EXPECT_EQ(last_.after, change.after) << "recorded all the same";
  change.changes = {};
  EXPECT_TRUE(Require("cn:anna", change).ok());
  EXPECT_THAT(Seen("cn:ben", true), IsEmpty());
}

TEST_F(ApprovalsTest, IsAskedForOnceAndUsedOnce) {
  const std::string name = Ask("cn:anna");
  EXPECT_TRUE(asked_);
  EXPECT_THAT(name, SizeIs(26));
  EXPECT_EQ(Ask("cn:anna"), name) << "the same call waits for the same approval";
  EXPECT_FALSE(asked_);
  const auto decided = Decide("cn:ben", name);
  ASSERT_TRUE(decided.ok()) << decided.status();
  EXPECT_EQ(decided->decided_by, "cn:ben");
  EXPECT_THAT(decided->changes, ElementsAre("consumer-key"));
  EXPECT_EQ(last_.approval, name);
  EXPECT_EQ(last_.role, "admins");
  EXPECT_EQ(last_.connection, "acme");

  const auto approved = Require("cn:anna", NewKey());
  ASSERT_TRUE(approved.ok()) << approved.status();
  EXPECT_EQ(approved->name, name);
  EXPECT_EQ(last_.approval, name);
  EXPECT_NE(Ask("cn:anna"), name) << "a second time needs a second approval";
}

TEST_F(ApprovalsTest, ComesBackWhereNothingCouldBeDone) {
  const std::string name = Ask("cn:anna");
  ASSERT_TRUE(Decide("cn:ben", name).ok());
  const auto approved = Require("cn:anna", NewKey());
  ASSERT_TRUE(approved.ok()) << approved.status();
  approvals_.GiveBack(*approved);
  EXPECT_EQ(Require("cn:anna", NewKey())->name, name);
  approvals_.GiveBack({});
}

TEST_F(ApprovalsTest, HoldsForWhatWasSeenAndForNothingElse) {
  ASSERT_TRUE(Decide("cn:ben", Ask("cn:anna")).ok());
  EXPECT_EQ(CodeAndReason(Require("cn:carl", NewKey()).status()),
            "FAILED_PRECONDITION APPROVAL_REQUIRED")
      << "another requester";
  Ask("cn:anna", NewKey("other"));
  WantedChange change = NewKey();
  change.create_time += absl::Microseconds(1);
  Ask("cn:anna", change);
  change = NewKey();
  change.connection = "emca";
  Ask("cn:anna", change);
  change = NewKey();
  change.after = R"({"consumer_key":"new","audiences":["x"]})";
  Ask("cn:anna", change);
  change = NewKey();
  change.method = "DeleteConnection";
  Ask("cn:anna", change);
  EXPECT_TRUE(Require("cn:anna", NewKey()).ok()) << "while this one is approved";
}

TEST_F(ApprovalsTest, TheEtagIsNoPartOfARequestAndEverythingElseIs) {
  v1::UpdateConnectionRequest request;
  request.mutable_connection()->set_name("acme");
  request.set_etag("1");
  const std::string bytes = CanonicalRequest(request);
  request.set_etag("2");
  EXPECT_EQ(CanonicalRequest(request), bytes);
  request.mutable_update_mask()->add_paths("subjects");
  EXPECT_NE(CanonicalRequest(request), bytes);
  v1::ThawConnectionRequest thaw;
  thaw.set_comment("why");
  EXPECT_FALSE(CanonicalRequest(thaw).empty()) << "has no etag";
}

TEST_F(ApprovalsTest, ApproverIsSomebodyElseWithEveryRight) {
  WantedChange destroy = NewKey();
  destroy.method = "DeleteConnection";
  destroy.changes = {Change::kDestroy};
  const std::string name = Ask("cn:anna", destroy);
  EXPECT_EQ(CodeAndReason(Decide("cn:anna", name).status()),
            "PERMISSION_DENIED APPROVAL_BY_REQUESTER");
  EXPECT_EQ(CodeAndReason(Decide("cn:mona", name).status()), "PERMISSION_DENIED NOT_ALLOWED")
      << "may manage, may not destroy";
  EXPECT_EQ(CodeAndReason(Decide("cn:vera", name).status()), "PERMISSION_DENIED NOT_ALLOWED");
  EXPECT_EQ(CodeAndReason(Decide("cn:lena", name).status()), "NOT_FOUND APPROVAL_NOT_FOUND");
  EXPECT_EQ(CodeAndReason(Decide("cn:ben", "nonsense'; --").status()),
            "NOT_FOUND APPROVAL_NOT_FOUND");
  EXPECT_EQ(CodeAndReason(Decide("cn:ben", std::string(26, 'a')).status()),
            "NOT_FOUND APPROVAL_NOT_FOUND");
  EXPECT_EQ(CodeAndReason(Require("cn:anna", destroy).status()),
            "FAILED_PRECONDITION APPROVAL_REQUIRED");
  EXPECT_TRUE(Decide("cn:ben", name).ok());
  EXPECT_EQ(CodeAndReason(Decide("cn:carl", name).status()),
            "FAILED_PRECONDITION APPROVAL_NOT_PENDING");
}

TEST_F(ApprovalsTest, OneThatIsAboutEverythingNeedsTheRightOnEverything) {
  const WantedChange thaw{.method = "SetEmergencyFreeze",
                          .connection = kAllConnections,
                          .create_time = absl::UnixEpoch(),
                          .changes = {Change::kThaw}};
  const std::string name = Ask("cn:anna", thaw);
  EXPECT_EQ(CodeAndReason(Decide("cn:lena", name).status()), "NOT_FOUND APPROVAL_NOT_FOUND");
  EXPECT_TRUE(Decide("cn:ben", name).ok());
  EXPECT_TRUE(Require("cn:anna", thaw).ok());
}

TEST_F(ApprovalsTest, CountsOnlyWhileTheApproverStillMay) {
  const std::string name = Ask("cn:anna");
  ASSERT_TRUE(Decide("cn:ben", name).ok());
  policy_ = ParsePolicy(absl::StrCat(
      R"(roles:
  - {name: no-ben, effect: deny, identities: ["cn:ben"], connections: ["acme"], operations: [manage-connections]})",
      absl::string_view(kPolicy).substr(6)));
  const std::string next = Ask("cn:anna");
  EXPECT_NE(next, name);
  EXPECT_TRUE(asked_);
  EXPECT_THAT(last_.detail, HasSubstr(name));
  EXPECT_EQ(CodeAndReason(Decide("cn:ben", next).status()), "NOT_FOUND APPROVAL_NOT_FOUND");
  policy_ = ParsePolicy(kPolicy);
  EXPECT_EQ(Ask("cn:anna"), next) << "the first does not come back with the right";
}

TEST_F(ApprovalsTest, ARefusalHoldsUntilItExpires) {
  const std::string name = Ask("cn:anna");
  ASSERT_TRUE(Decide("cn:ben", name, /*approve=*/false).ok());
  const auto refused = Require("cn:anna", NewKey());
  EXPECT_EQ(CodeAndReason(refused.status()), "PERMISSION_DENIED APPROVAL_REFUSED");
  EXPECT_EQ(MetadataOf(refused.status())["approval"], name);
  now_ += absl::Hours(1);
  EXPECT_NE(Ask("cn:anna"), name);
}

TEST_F(ApprovalsTest, NothingHoldsLongerThanItsLifetime) {
  const std::string approved = Ask("cn:anna");
  ASSERT_TRUE(Decide("cn:ben", approved).ok());
  const std::string pending = Ask("cn:anna", NewKey("other"));
  now_ += absl::Hours(1) - absl::Microseconds(1);
  EXPECT_THAT(Seen("cn:ben"), ElementsAre(pending));
  now_ += absl::Microseconds(1);
  EXPECT_THAT(Seen("cn:ben"), IsEmpty());
  EXPECT_EQ(CodeAndReason(Decide("cn:ben", pending).status()),
            "FAILED_PRECONDITION APPROVAL_EXPIRED");
  EXPECT_NE(Ask("cn:anna"), approved);
}

TEST_F(ApprovalsTest, WhoAskedMayTakeItBackButNotForEver) {
  for (size_t i = 0; i < kMaxTakenBack; ++i) {
    const std::string name = Ask("cn:anna", NewKey(absl::StrCat(i)));
    ASSERT_TRUE(Decide("cn:anna", name, /*approve=*/false).ok());
  }
  EXPECT_EQ(CodeAndReason(Require("cn:anna", NewKey()).status()),
            "RESOURCE_EXHAUSTED TOO_MANY_APPROVALS");
  Ask("cn:ben");
  now_ += absl::Hours(1);
  Ask("cn:anna");
}

TEST_F(ApprovalsTest, OneCallerMayNotHaveTooManyWaiting) {
  for (size_t i = 0; i < registry::kMaxPendingApprovalsOfRequester; ++i) {
    Ask("cn:anna", NewKey(absl::StrCat(i)));
  }
  EXPECT_EQ(CodeAndReason(Require("cn:anna", NewKey()).status()),
            "RESOURCE_EXHAUSTED TOO_MANY_APPROVALS");
  EXPECT_FALSE(asked_);
  Ask("cn:ben");
}

TEST_F(ApprovalsTest, IsSeenByWhoMayViewOrDoIt) {
  const std::string name = Ask("cn:anna");
  for (const char* identity : {"cn:anna", "cn:ben", "cn:mona", "cn:vera"}) {
    EXPECT_THAT(Seen(identity), ElementsAre(name)) << identity;
    AuditRecord record = RecordOf(identity);
    EXPECT_TRUE(approvals_.Get(policy_, name, record).ok()) << identity;
  }
  EXPECT_THAT(Seen("cn:lena"), IsEmpty());
  EXPECT_THAT(Seen("cn:nobody"), IsEmpty());
  AuditRecord record = RecordOf("cn:nobody");
  EXPECT_EQ(CodeAndReason(approvals_.Get(policy_, name, record).status()),
            "NOT_FOUND APPROVAL_NOT_FOUND");
}

}  // namespace
}  // namespace keyward::signer
