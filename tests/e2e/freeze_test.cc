// Freezing: of one connection and of everything.
#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/e2e/certificates_fixture.h"
#include "tests/e2e/load.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr char kFrozen[] = "FAILED_PRECONDITION CONNECTION_FROZEN";
constexpr char kEmergency[] = "FAILED_PRECONDITION EMERGENCY_FREEZE";

class FreezeTest : public CertificatesTest {
 protected:
  // What signs besides Sign, each with its answer.
  std::vector<std::string> OtherSignatures() const {
    const auto client = Client();
    v1::CreateCertificateRequestRequest csr;
    csr.set_connection("acme");
    csr.mutable_subject()->set_common_name("acme");
    return {CodeAndReason(client->CreateCertificateRequest(csr).status()),
            CodeAndReason(client->RenewCertificate("acme", std::nullopt, 0).status()),
            CodeAndReason(client->AdoptKey("acme", "pkcs11:object=nowhere").status())};
  }

  // Its certificate is a signature of its new key.
  std::string Creation() const {
    v1::Connection connection;
    connection.set_name("fresh");
    return CodeAndReason(Client()->CreateConnection(connection).status());
  }

  json LastRecordOf(const std::string& method) const {
    json last;
    for (const json& record : Audit()) {
      if (record.value("method", "") == method) last = record;
    }
    return last;
  }
};

TEST_F(FreezeTest, NothingIsSignedForAFrozenConnection) {
  CreateConnection("other");
  const std::string certificate = Client()->GetCertificate("acme")->der();
  const auto frozen = Client()->FreezeConnection("acme", "laptop stolen");
  ASSERT_TRUE(frozen.ok()) << frozen.status();
  EXPECT_TRUE(frozen->frozen());
  EXPECT_TRUE(frozen->has_freeze_time());
  EXPECT_EQ(CodeAndReason(Sign()), kFrozen);
  EXPECT_THAT(OtherSignatures(), ::testing::Each(kFrozen));
  EXPECT_EQ(Client()->GetCertificate("acme")->der(), certificate);
  EXPECT_TRUE(Sign("other").ok());
  const json record = LastRecordOf("FreezeConnection");
  EXPECT_EQ(record.value("comment", ""), "laptop stolen");
  EXPECT_EQ(record["before"], (json{{"frozen", false}}));
  EXPECT_EQ(record["after"], (json{{"frozen", true}}));

  EXPECT_EQ(Client()->FreezeConnection("acme", "again")->etag(), frozen->etag());
  Stop();
  Start();
  EXPECT_EQ(CodeAndReason(Sign()), kFrozen) << "after a restart too";
  ASSERT_TRUE(Client()->ThawConnection("acme", "found again").ok());
  EXPECT_TRUE(Sign().ok());
  EXPECT_TRUE(Client()->ThawConnection("acme", "").ok()) << "thawing what is not frozen";
}

TEST_F(FreezeTest, FreezingAndThawingAreOperationsOfTheirOwn) {
  Stop();
  signer_.Write("policy.yaml", absl::StrCat(testing::kDefaultPolicy, R"(
  - {name: watch, identities: ["spiffe://keyward.example/backend"], connections: ["acme"], operations: [disable]}
)"));
  Start();
  const auto backend = Client("backend");
  EXPECT_EQ(CodeAndReason(backend->SetEmergencyFreeze(true, "")), "PERMISSION_DENIED NOT_ALLOWED")
      << "of one connection is not of all";
  EXPECT_TRUE(Sign().ok());
  EXPECT_TRUE(backend->FreezeConnection("acme", "").ok());
  EXPECT_EQ(CodeAndReason(backend->ThawConnection("acme", "").status()),
            "PERMISSION_DENIED NOT_ALLOWED");
  EXPECT_EQ(CodeAndReason(backend->FreezeConnection("other", "").status()),
            "PERMISSION_DENIED NOT_ALLOWED");
  EXPECT_EQ(CodeAndReason(Client()->FreezeConnection("absent", "").status()),
            "NOT_FOUND CONNECTION_NOT_FOUND");
  EXPECT_EQ(CodeAndReason(Client()->FreezeConnection("acme", std::string(257, 'x')).status()),
            "INVALID_ARGUMENT COMMENT_INVALID");
  EXPECT_EQ(CodeAndReason(Client()->SetEmergencyFreeze(true, "\x01")),
            "INVALID_ARGUMENT COMMENT_INVALID");
  EXPECT_EQ(CodeAndReason(Sign()), kFrozen);
}

TEST_F(FreezeTest, TheEmergencyFreezeStopsCallsThatAreUnderWay) {
  CreateConnection("other");
  std::vector<std::unique_ptr<client::SignerClient>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(Client());
  Load load(std::move(clients), "freeze");
  ASSERT_TRUE(Eventually([&] { return load.count() > 20; }));
  ASSERT_TRUE(Client()->SetEmergencyFreeze(true, "key compromised").ok());
  EXPECT_EQ(CodeAndReason(Sign()), kEmergency);
  EXPECT_EQ(CodeAndReason(Sign("other")), kEmergency);
  EXPECT_THAT(OtherSignatures(), ::testing::Each(kEmergency));
  EXPECT_EQ(Creation(), kEmergency);
  load.Stop();
  EXPECT_EQ(load.errors(), (std::map<std::string, int>{{kEmergency, 4}}))
      << "each thread ended at its next call";
  EXPECT_EQ(LastRecordOf("SetEmergencyFreeze").value("connection", ""), "*");

  ASSERT_TRUE(Client()->FreezeConnection("acme", "").ok());
  ASSERT_TRUE(Client()->SetEmergencyFreeze(false, "over").ok());
  EXPECT_EQ(Creation(), "OK");
  EXPECT_TRUE(Sign("other").ok());
  EXPECT_EQ(CodeAndReason(Sign()), kFrozen) << "one that was frozen by itself stays so";
}

TEST_F(FreezeTest, OtherChangesAtTheSameTimeDoNotThaw) {
  CreateConnection("other");
  std::atomic<bool> done = false;
  std::thread changes([&] {
    const auto client = Client();
    v1::Connection other = *client->GetConnection("other");
    while (!done) {
      other.set_include_kid(!other.include_kid());
      const auto updated = client->UpdateConnection(other, {"include_kid"});
      ASSERT_TRUE(updated.ok()) << updated.status();
      other = *updated;
    }
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(Client()->FreezeConnection("acme", "").ok());
    for (int j = 0; j < 5; ++j) EXPECT_EQ(CodeAndReason(Sign()), kFrozen);
    EXPECT_TRUE(Client()->ThawConnection("acme", "").ok());
  }
  done = true;
  changes.join();
}

TEST_F(FreezeTest, ThawingMayNeedASecondPerson) {
  ASSERT_EQ(testing::Run({KEYWARD_DEV_PKI, "--client", "second", File("pki")}).exit_code, 0);
  Stop();
  signer_.Write("policy.yaml", absl::StrCat(testing::kDefaultPolicy, R"(
  - {name: second, identities: ["cn:second"], connections: ["*"], operations: [activate]}
approvals: {required: [thaw]}
)"));
  Start();
  Do({"connection", "freeze", "acme"});
  Do({"connection", "freeze", "--all", "--yes"});
  EXPECT_EQ(Refusal(Keyward({"connection", "thaw", "--all", "--yes"})), "APPROVAL_REQUIRED");
  EXPECT_EQ(Refusal(Keyward({"connection", "thaw", "acme"})), "APPROVAL_REQUIRED");
  for (const json& approval : DoJson({"approval", "list"})) {
    EXPECT_EQ(Keyward({"approval", "approve", approval.value("name", "")}, "second").exit_code, 0);
  }
  EXPECT_EQ(CodeAndReason(Sign()), kEmergency);
  Do({"connection", "thaw", "--all", "--yes"});
  EXPECT_EQ(CodeAndReason(Sign()), kFrozen);
  EXPECT_EQ(DoJson({"connection", "thaw", "acme"}).value("frozen", true), false);
  EXPECT_TRUE(Sign().ok());
}

// Who has kept an approval must not end the next incident's freeze with it, alone.
TEST_F(FreezeTest, ANewFreezeSpendsWhatWasApprovedBefore) {
  ASSERT_EQ(testing::Run({KEYWARD_DEV_PKI, "--client", "second", File("pki")}).exit_code, 0);
  Stop();
  signer_.Write("policy.yaml", absl::StrCat(testing::kDefaultPolicy, R"(
  - {name: second, identities: ["cn:second"], connections: ["*"], operations: [activate, disable]}
approvals: {required: [thaw]}
)"));
  Start();
  const std::vector<std::string> one = {"connection", "thaw", "acme"};
  const std::vector<std::string> all = {"connection", "thaw", "--all", "--yes"};
  Do({"connection", "freeze", "acme"});
  Do({"connection", "freeze", "--all", "--yes"});
  EXPECT_EQ(Refusal(Keyward(one)), "APPROVAL_REQUIRED");
  EXPECT_EQ(Refusal(Keyward(all)), "APPROVAL_REQUIRED");
  for (const json& approval : DoJson({"approval", "list"})) {
    EXPECT_EQ(Keyward({"approval", "approve", approval.value("name", "")}, "second").exit_code, 0);
  }
  ASSERT_TRUE(Client("second")->FreezeConnection("acme", "the next incident").ok());
  ASSERT_TRUE(Client("second")->SetEmergencyFreeze(true, "the next incident").ok());
  EXPECT_EQ(Refusal(Keyward(all)), "APPROVAL_REQUIRED");
  EXPECT_EQ(Refusal(Keyward(one)), "APPROVAL_REQUIRED");
  EXPECT_EQ(CodeAndReason(Sign()), kEmergency);
}

TEST_F(FreezeTest, TheCommandShowsAndAsks) {
  EXPECT_EQ(Keyward({"connection", "freeze"}).exit_code, 2);
  EXPECT_EQ(Keyward({"connection", "freeze", "acme", "--all", "--yes"}).exit_code, 2);
  EXPECT_EQ(Keyward({"connection", "freeze", "--all"}).exit_code, 2);
  EXPECT_TRUE(Sign().ok());
  Do({"connection", "freeze", "acme", "--comment", "why"});
  EXPECT_THAT(Do({"connection", "show", "acme"}),
              HasSubstr("FROZEN            yes\nFROZEN SINCE      20"));
  EXPECT_THAT(Do({"connection", "list"}), HasSubstr("yes"));
  EXPECT_EQ(DoJson({"connection", "show", "acme"}).value("frozen", false), true);
  for (const char* verb : {"freeze", "thaw"}) {
    EXPECT_THAT(Do({"connection", verb, "--help"}), HasSubstr("--all --yes"));
  }
}

TEST_F(FreezeTest, SubjectPatternsComeThroughTheCommand) {
  const json updated = DoJson({"connection", "update", "acme", "--subject-pattern",
                               "i-*@acme.example", "--subject-pattern", "j-*@acme.example"});
  EXPECT_EQ(updated["subject_patterns"], (json{"i-*@acme.example", "j-*@acme.example"}));
  EXPECT_THAT(Do({"connection", "show", "acme"}), HasSubstr("i-*@acme.example, j-*@acme.example"));
  EXPECT_EQ(Refusal(Keyward({"connection", "update", "acme", "--subject-pattern", "*"})),
            "SUBJECT_PATTERNS_INVALID");
}

}  // namespace
}  // namespace keyward::e2e
