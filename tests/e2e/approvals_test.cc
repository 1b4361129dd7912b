// The two-person rule with two people: from the refused call over the approval to the
// change, and what is recorded on the way.
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/error.h"
#include "tests/e2e/certificates_fixture.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kOperator[] = "spiffe://keyward.example/operator";

constexpr char kPolicy[] = R"(roles:
  - name: operators
    identities: ["spiffe://keyward.example/operator", "cn:second", "cn:third"]
    connections: ["*"]
    operations: [sign, view, manage-connections, rotate, adopt, activate, disable, destroy]
  - name: managers
    identities: ["spiffe://keyward.example/backend"]
    connections: ["*"]
    operations: [view, manage-connections]
approvals:
  required: [destroy, adopt, consumer-key, audiences, login-host, subjects, thaw]
  lifetime_minutes: 60
)";

class ApprovalsTest : public CertificatesTest {
 protected:
  ApprovalsTest() {
    for (const char* name : {"second", "third"}) {
      EXPECT_EQ(testing::Run({KEYWARD_DEV_PKI, "--client", name, File("pki")}).exit_code, 0);
    }
    Restart(kPolicy);
  }

  void Restart(const std::string& policy) {
    Stop();
    signer_.Write("policy.yaml", policy);
    Start();
  }

  absl::StatusOr<v1::Connection> SetKey(const std::string& key,
                                        const std::string& client = "operator") const {
    const auto signer = Client(client);
    v1::Connection connection = *signer->GetConnection("acme");
    connection.set_consumer_key(key);
    return signer->UpdateConnection(connection, {"consumer_key"});
  }

  static std::string ApprovalOf(const absl::Status& status) {
    EXPECT_EQ(CodeAndReason(status), "FAILED_PRECONDITION APPROVAL_REQUIRED") << status;
    return MetadataOf(status)["approval"];
  }

  std::string Key() const { return Client()->GetConnection("acme")->consumer_key(); }

  std::vector<json> RecordsAbout(const std::string& approval) const {
    std::vector<json> records;
    for (const json& record : Audit()) {
      if (record.value("approval", "") == approval && record["method"] != "GetApproval") {
        records.push_back(record);
      }
    }
    return records;
  }
};

TEST_F(ApprovalsTest, TwoPeopleChangeWhatOneMayNot) {
  const std::string approval = ApprovalOf(SetKey("new").status());
  EXPECT_EQ(Key(), kConsumerKey) << "nothing was changed";
  const auto waiting = Client("second")->ListApprovals();
  ASSERT_TRUE(waiting.ok()) << waiting.status();
  ASSERT_THAT(*waiting, SizeIs(1));
  EXPECT_EQ(waiting->front().name(), approval);
  EXPECT_EQ(waiting->front().requester(), kOperator);
  EXPECT_EQ(waiting->front().before_json(),
            absl::StrCat(R"({"consumer_key":")", kConsumerKey, R"("})"));
  EXPECT_EQ(waiting->front().after_json(), R"({"consumer_key":"new"})");
  ASSERT_TRUE(Client("second")->Approve(approval, "agreed by phone").ok());
  EXPECT_EQ(Client()->GetApproval(approval)->state(), v1::Approval::APPROVED);
  EXPECT_EQ(Key(), kConsumerKey) << "not by the approval alone";
  const auto changed = SetKey("new");
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(Key(), "new");
  EXPECT_EQ(Client()->GetApproval(approval)->state(), v1::Approval::USED);
  EXPECT_THAT(*Client()->ListApprovals(), IsEmpty());

  ASSERT_TRUE(Eventually([&] { return RecordsAbout(approval).size() == 3; }));
  const std::vector<json> records = RecordsAbout(approval);
  EXPECT_EQ(records[0].value("method", ""), "UpdateConnection");
  EXPECT_EQ(records[0].value("reason", ""), "APPROVAL_REQUIRED");
  EXPECT_EQ(records[0].value("identity", ""), kOperator);
  EXPECT_EQ(records[1].value("method", ""), "ApproveApproval");
  EXPECT_EQ(records[1].value("identity", ""), "cn:second");
  EXPECT_EQ(records[1].value("connection", ""), "acme");
  EXPECT_EQ(records[1].value("comment", ""), "agreed by phone");
  EXPECT_EQ(records[1].value("role", ""), "operators");
  EXPECT_EQ(records[2].value("method", ""), "UpdateConnection");
  EXPECT_EQ(records[2].value("outcome", ""), "done");
  for (const json& record : {records[0], records[2]}) {
    EXPECT_EQ(record["before"], (json{{"consumer_key", kConsumerKey}}));
    EXPECT_EQ(record["after"], (json{{"consumer_key", "new"}}));
  }
}

TEST_F(ApprovalsTest, IsForOneUseOneRequestAndOneRequester) {
  const std::string approval = ApprovalOf(SetKey("new").status());
  ASSERT_TRUE(Client("second")->Approve(approval, "").ok());
  EXPECT_NE(ApprovalOf(SetKey("other").status()), approval) << "another request";
  EXPECT_NE(ApprovalOf(SetKey("new", "third").status()), approval) << "another requester";
  EXPECT_NE(ApprovalOf(SetKey("new", "second").status()), approval) << "not the approver either";
  // What needs nobody changes the etag, not what was approved.
  v1::Connection connection = *Client()->GetConnection("acme");
  connection.set_include_kid(true);
  ASSERT_TRUE(Client()->UpdateConnection(connection, {"include_kid"}).ok());
  ASSERT_TRUE(SetKey("new").ok());
  ASSERT_TRUE(Client("third")->Approve(ApprovalOf(SetKey(kConsumerKey).status()), "").ok());
  ASSERT_TRUE(SetKey(kConsumerKey).ok());
  EXPECT_NE(ApprovalOf(SetKey("new").status()), approval) << "a second time";
}

TEST_F(ApprovalsTest, ApproverIsAnotherWithTheSameRights) {
  const std::string etag = Client()->GetConnection("acme")->etag();
  const std::string approval = ApprovalOf(Client()->DeleteConnection("acme", etag).status());
  EXPECT_EQ(CodeAndReason(Client()->Approve(approval, "").status()),
            "PERMISSION_DENIED APPROVAL_BY_REQUESTER");
  EXPECT_EQ(CodeAndReason(Client("backend")->Approve(approval, "").status()),
            "PERMISSION_DENIED NOT_ALLOWED")
      << "it may manage and not destroy";
  EXPECT_EQ(CodeAndReason(Client("backend")->DeleteConnection("acme", etag).status()),
            "PERMISSION_DENIED NOT_ALLOWED")
      << "nor delete";
  EXPECT_EQ(CodeAndReason(Client("second")->Approve(approval, "line\nbreak").status()),
            "INVALID_ARGUMENT COMMENT_INVALID");
  ASSERT_TRUE(Client("second")->Refuse(approval, "keep it").ok());
  EXPECT_EQ(CodeAndReason(Client()->DeleteConnection("acme", etag).status()),
            "PERMISSION_DENIED APPROVAL_REFUSED");
  EXPECT_EQ(CodeAndReason(Client("third")->Approve(approval, "").status()),
            "FAILED_PRECONDITION APPROVAL_NOT_PENDING");
  EXPECT_TRUE(Sign().ok()) << "it is still there";
}

TEST_F(ApprovalsTest, IsNothingOnceTheApproverMayNotAnyMore) {
  const std::string approval = ApprovalOf(SetKey("new").status());
  ASSERT_TRUE(Client("second")->Approve(approval, "").ok());
  Restart(testing::Replaced(kPolicy, R"("cn:second", )", ""));
  const std::string next = ApprovalOf(SetKey("new").status());
  EXPECT_NE(next, approval);
  ASSERT_TRUE(Client("third")->Approve(next, "").ok());
  EXPECT_TRUE(SetKey("new").ok());
}

TEST_F(ApprovalsTest, DiesWithItsConnection) {
  const std::string approval = ApprovalOf(SetKey("new").status());
  ASSERT_TRUE(Client("second")->Approve(approval, "").ok());
  Restart(testing::Replaced(kPolicy, "destroy, adopt,", "adopt,"));
  const std::string etag = Client()->GetConnection("acme")->etag();
  ASSERT_TRUE(Client()->DeleteConnection("acme", etag).ok());
  CreateConnection();
  EXPECT_NE(ApprovalOf(SetKey("new").status()), approval) << "another of the same name";
}

TEST_F(ApprovalsTest, NoWayRoundThroughOtherFieldsOrOldEtags) {
  const auto client = Client();
  const v1::Connection current = *client->GetConnection("acme");
  const auto update = [&](auto change, const std::vector<std::string>& fields) {
    v1::Connection wanted = current;
    change(wanted);
    return CodeAndReason(client->UpdateConnection(wanted, fields).status());
  };
  const std::string required = "FAILED_PRECONDITION APPROVAL_REQUIRED";
  EXPECT_EQ(update([](auto& c) { c.set_environment(v1::SANDBOX); }, {"environment"}), required);
  EXPECT_EQ(update([](auto& c) { c.add_audiences("https://x.example"); }, {"audiences"}), required);
  EXPECT_EQ(update([](auto& c) { c.add_subjects("x@x.example"); }, {"subjects"}), required);
  EXPECT_EQ(update([](auto& c) { c.add_subject_patterns("*@x.example"); }, {"subject_patterns"}),
            required);
  EXPECT_EQ(update(
                [](auto& c) {
                  c.set_etag("12345");
                  c.set_consumer_key("x");
                },
                {"consumer_key"}),
            "ABORTED ETAG_MISMATCH")
      << "nobody is bothered with that";
  EXPECT_EQ(update([](auto& c) { c.set_consumer_key("a b"); }, {"consumer_key"}),
            "INVALID_ARGUMENT CONSUMER_KEY_INVALID");
  EXPECT_THAT(*client->ListApprovals(), SizeIs(4));
  EXPECT_EQ(update([](auto& c) { c.clear_subjects(); }, {"subjects"}), "OK") << "narrower";
}

TEST_F(ApprovalsTest, TheCommandSaysWhatToDoAndWaits) {
  const testing::Finished asked =
      Keyward({"connection", "update", "acme", "--consumer-key", "new"});
  EXPECT_EQ(asked.exit_code, 1);
  const json waiting = DoJson({"approval", "list"});
  ASSERT_THAT(waiting, SizeIs(1));
  const std::string name = waiting[0].value("name", "");
  EXPECT_THAT(asked.err, HasSubstr("keyward approval approve " + name));
  EXPECT_THAT(asked.err, HasSubstr("(APPROVAL_REQUIRED)"));
  const std::string shown = Do({"approval", "show", name});
  EXPECT_THAT(shown, HasSubstr(absl::StrCat("consumer_key: ", kConsumerKey, " → new")));
  EXPECT_EQ(waiting[0]["after"], (json{{"consumer_key", "new"}}));

  testing::Finished waited;
  std::thread waiter([&] {
    waited = Keyward({"connection", "update", "acme", "--consumer-key", "new", "--wait"});
  });
  EXPECT_EQ(Refusal(Keyward({"approval", "approve", name})), "APPROVAL_BY_REQUESTER");
  EXPECT_EQ(Keyward({"approval", "approve", name, "--comment", "yes"}, "second").exit_code, 0);
  waiter.join();
  EXPECT_EQ(waited.exit_code, 0) << waited.err;
  EXPECT_EQ(Key(), "new");
  EXPECT_EQ(DoJson({"approval", "list", "--all"})[0].value("state", ""), "USED");
}

TEST_F(ApprovalsTest, WhoWaitsIsToldOfARefusal) {
  testing::Finished waited;
  std::thread waiter([&] {
    waited = Keyward({"connection", "delete", "acme", "--yes", "--wait"});
  });
  ASSERT_TRUE(Eventually([&] { return DoJson({"approval", "list"}).size() == 1; }));
  const std::string name = DoJson({"approval", "list"})[0].value("name", "");
  EXPECT_EQ(Keyward({"approval", "refuse", name, "--comment", "in use"}, "second").exit_code, 0);
  waiter.join();
  EXPECT_EQ(Refusal(waited), "APPROVAL_REFUSED");
  EXPECT_TRUE(Sign().ok());
}

TEST_F(ApprovalsTest, AdoptionAndDeletionNeedTheSecondPersonToo) {
  MakeForeignKey("ceremony", "c0ffee");
  const std::vector<std::string> adopt = {"key", "adopt", "acme", "--uri",
                                          "pkcs11:object=ceremony"};
  EXPECT_EQ(Keyward(adopt).exit_code, 1);
  EXPECT_EQ(
      Refusal(Keyward({"key", "adopt", "acme", "--uri", "pkcs11:object=ceremony?pin-value=1234"})),
      "KEY_URI_INVALID");
  const json waiting = DoJson({"approval", "list"});
  ASSERT_THAT(waiting, SizeIs(1)) << "a PIN is shown to nobody";
  EXPECT_EQ(waiting[0]["after"], (json{{"key_uri", "pkcs11:object=ceremony"}}));
  EXPECT_EQ(Keyward({"approval", "approve", waiting[0].value("name", "")}, "second").exit_code, 0);
  EXPECT_EQ(DoJson(adopt).value("number", 0), 2);

  EXPECT_EQ(Keyward({"connection", "delete", "acme", "--yes"}).exit_code, 1);
  const std::string name = DoJson({"approval", "list"})[0].value("name", "");
  EXPECT_EQ(Keyward({"approval", "approve", name}, "second").exit_code, 0);
  EXPECT_EQ(DoJson({"connection", "delete", "acme", "--yes"}).value("destroyed_key_versions", 0),
            2);
}

}  // namespace
}  // namespace keyward::e2e
