#include "tests/keystore/registry/approvals_contract.h"

#include "absl/strings/str_cat.h"

namespace keyward::registry {

Approval SomeApproval(const std::string& name) {
  Approval approval;
  approval.name = name;
  approval.method = "UpdateConnection";
  approval.connection = "acme";
  approval.changes = {"consumer-key", "audiences"};
  approval.request_sha256 = absl::StrCat("digest of ", name);
  approval.requester = "spiffe://keyward.example/é";
  approval.before_json = R"({"consumer_key":"a"})";
  approval.after_json = R"({"consumer_key":"b"})";
  approval.create_time = kNow;
  approval.expire_time = kEnd;
  return approval;
}

Approval SomeApproval(const std::string& name, absl::Time created) {
  Approval approval = SomeApproval(name);
  approval.create_time = created;
  approval.expire_time = created + absl::Hours(24);
  return approval;
}

void ExpectApproval(const Approval& actual, const Approval& expected) {
  EXPECT_EQ(actual.name, expected.name);
  EXPECT_EQ(actual.state, expected.state);
  EXPECT_EQ(actual.method, expected.method);
  EXPECT_EQ(actual.connection, expected.connection);
  EXPECT_EQ(actual.changes, expected.changes);
  EXPECT_EQ(actual.request_sha256, expected.request_sha256);
  EXPECT_EQ(actual.requester, expected.requester);
  EXPECT_EQ(actual.before_json, expected.before_json);
  EXPECT_EQ(actual.after_json, expected.after_json);
  EXPECT_EQ(actual.create_time, expected.create_time);
  EXPECT_EQ(actual.expire_time, expected.expire_time);
  EXPECT_EQ(actual.decided_by, expected.decided_by);
  EXPECT_EQ(actual.decide_time, expected.decide_time);
  EXPECT_EQ(actual.comment, expected.comment);
}

std::vector<std::string> NamesOf(const std::vector<Approval>& approvals) {
  std::vector<std::string> names;
  for (const Approval& approval : approvals) names.push_back(approval.name);
  return names;
}

void Create(ApprovalStore& approvals, const Approval& approval) {
  const absl::StatusOr<Approval> created = approvals.Create(approval);
  ASSERT_THAT(created.status(), IsOk());
  ASSERT_EQ(created->name, approval.name) << "an earlier one took its place";
}

void CreateApproved(ApprovalStore& approvals, const std::string& name) {
  Create(approvals, SomeApproval(name));
  ASSERT_THAT(approvals.Decide(name, true, "dns:b", "", kNow).status(), IsOk());
}

}  // namespace keyward::registry
