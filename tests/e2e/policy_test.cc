// The policy of a running signer: changed under its clients, and asked what it says.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/openssl.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kBackend[] = "spiffe://keyward.example/backend";
constexpr char kNotAllowed[] = "PERMISSION_DENIED NOT_ALLOWED";
constexpr char kDenied[] = "PERMISSION_DENIED DENIED_BY_ROLE";

// Behind kDefaultPolicy.
constexpr char kBackendsSignForEu[] = R"(
  - {name: eu, identities: ["spiffe://keyward.example/backend"], connections: ["eu-*"], operations: [sign]}
)";
constexpr char kNobodySignsForEu[] = R"(
  - {name: eu-closed, effect: deny, identities: ["*"], connections: ["eu-*"], operations: ["*"]}
)";

class PolicyTest : public SignerTest {
 protected:
  // kDefaultPolicy with `more`, before a start.
  void Put(absl::string_view more) const {
    signer_.Write("policy.yaml", absl::StrCat(testing::kDefaultPolicy, more));
  }
  // Has the running signer take it up.
  void Change(absl::string_view more) {
    // Never a file that the log has named before.
    const std::string other = absl::StrCat(more, "# ", ++changes_, "\n");
    Put(other);
    const std::string sha256 = HexSha256(absl::StrCat(testing::kDefaultPolicy, other));
    ASSERT_TRUE(signer_.daemon().WaitForOutput("of the file with SHA-256 " + sha256, kPatience))
        << signer_.daemon().Output();
  }

  static std::string SignWith(client::SignerClient& client, absl::string_view connection,
                              absl::string_view subject = kSubject) {
    const std::string claims = absl::StrReplaceAll(GoodClaims(), {{kSubject, subject}});
    return CodeAndReason(client.Sign(connection, claims).status());
  }

  // `keyward policy ARGUMENT…`
  testing::Finished Policy(std::vector<std::string> arguments,
                           const std::string& client = "operator") const {
    arguments.insert(arguments.begin(), "policy");
    return signer_.Keyward(arguments, client);
  }
  testing::Finished Explain(std::vector<std::string> arguments,
                            const std::string& client = "operator") const {
    arguments.insert(arguments.begin(), "explain");
    return Policy(std::move(arguments), client);
  }

  int changes_ = 0;
};

TEST_F(PolicyTest, AChangeGrantsAndRevokesOnOpenChannels) {
  Start();
  CreateConnection("eu-1");
  const auto backend = Client("backend");
  EXPECT_EQ(SignWith(*backend, "eu-1"), kNotAllowed);
  Change(kBackendsSignForEu);
  EXPECT_EQ(SignWith(*backend, "eu-1"), "OK");
  EXPECT_EQ(CodeAndReason(backend->GetConnection("eu-1").status()), kNotAllowed) << "signing only";
  Change("");
  EXPECT_EQ(SignWith(*backend, "eu-1"), kNotAllowed);
  // A file with mistakes grants nothing, not even what is right in it.
  Put(absl::StrCat(kBackendsSignForEu, "  - {name: x, identities: [nobody]}\n"));
  ASSERT_TRUE(signer_.daemon().WaitForOutput("the changed file is not used", kPatience));
  EXPECT_EQ(SignWith(*backend, "eu-1"), kNotAllowed);
  EXPECT_TRUE(Sign("eu-1").ok());
  Change(kBackendsSignForEu);
  EXPECT_EQ(SignWith(*backend, "eu-1"), "OK");
  Stop();
}

TEST_F(PolicyTest, AnExplicitDenyWins) {
  Put(absl::StrCat(kBackendsSignForEu, kNobodySignsForEu));
  Start();
  const auto backend = Client("backend");
  const auto client = Client();
  EXPECT_EQ(SignWith(*backend, "eu-1"), kDenied);
  EXPECT_EQ(SignWith(*client, "eu-1"), kDenied) << "who may all else";
  v1::Connection connection;
  connection.set_name("eu-1");
  EXPECT_EQ(CodeAndReason(client->CreateConnection(connection).status()), kDenied);
  EXPECT_EQ(CodeAndReason(client->SetEmergencyFreeze(true, "")), kDenied)
      << "all connections are not the ones that are left";
  // Wherever it stands in the file.
  signer_.Write("policy.yaml", absl::StrCat("roles:", kNobodySignsForEu,
                                            absl::string_view(testing::kDefaultPolicy).substr(7)));
  ASSERT_TRUE(Eventually([&] {
    return Explain({"--connection", "eu-1", "--operation", "view"}).out.find("(line 2,") !=
           std::string::npos;
  }));
  EXPECT_EQ(SignWith(*client, "eu-1"), kDenied);
  Change("");
  EXPECT_TRUE(client->CreateConnection(connection).ok());
}

TEST_F(PolicyTest, ARoleWithSubjectsSignsForTheseOnly) {
  Put(R"(
  - name: acme-people
    identities: ["spiffe://keyward.example/backend"]
    connections: ["wide"]
    operations: [sign]
    subjects: ["*@example.com", "root@acme.example"]
  - {name: no-admins, effect: deny, identities: ["*"], connections: ["wide"], operations: [sign], subjects: ["admin@example.com"]}
)");
  Start();
  v1::Connection wide;
  wide.set_name("wide");
  wide.set_consumer_key(kConsumerKey);
  for (const char* pattern : {"*@example.com", "*@acme.example", "*@elsewhere.example"}) {
    wide.add_subject_patterns(pattern);
  }
  ASSERT_TRUE(Client()->CreateConnection(wide).ok());
  const auto backend = Client("backend");
  EXPECT_EQ(SignWith(*backend, "wide"), "OK");
  EXPECT_EQ(SignWith(*backend, "wide", "root@acme.example"), "OK");
  EXPECT_EQ(SignWith(*backend, "wide", "other@acme.example"), kNotAllowed);
  EXPECT_EQ(SignWith(*backend, "wide", "user@elsewhere.example"), kNotAllowed);
  EXPECT_EQ(SignWith(*backend, "wide", "user@example.com.elsewhere.example"),
            "PERMISSION_DENIED CLAIMS_SUB_NOT_ALLOWED")
      << "the connection has a say, too";
  EXPECT_EQ(SignWith(*backend, "wide", "admin@example.com"), kDenied);
  EXPECT_EQ(SignWith(*Client(), "wide", "admin@example.com"), kDenied);
  EXPECT_EQ(SignWith(*Client(), "wide", "user@elsewhere.example"), "OK");
  // Of the refusal the record says for whom it was.
  ASSERT_TRUE(Eventually([&] { return SignOutcomes().size() >= 8; }));
  json denied = json::object();
  for (const json& record : Audit()) {
    if (record.value("reason", "") == "DENIED_BY_ROLE") denied = record;
  }
  EXPECT_EQ(denied.value("role", ""), "no-admins");
}

TEST_F(PolicyTest, ExplainTellsTheDecidingRoleOfThePolicyInUse) {
  Start();
  const testing::Finished own = Explain({"--connection", "acme", "--operation", "sign"}, "backend");
  EXPECT_EQ(own.exit_code, 0) << own.err;
  EXPECT_THAT(own.out, StartsWith("allowed by the role backends (line 6,"));
  const testing::Finished denied =
      Explain({"--connection", "other", "--operation", "sign", "-o", "json"}, "backend");
  EXPECT_EQ(denied.exit_code, 1);
  EXPECT_THAT(denied.err, IsEmpty()) << "an answer is no error";
  const json answer = json::parse(denied.out, nullptr, false);
  ASSERT_TRUE(answer.is_object()) << denied.out;
  EXPECT_EQ(answer["allowed"], false);
  EXPECT_EQ(answer["identity"], kBackend);
  EXPECT_EQ(answer["policy_sha256"], HexSha256(testing::kDefaultPolicy));

  // About others: needs read-audit, on the connection in question.
  const std::vector<std::string> about_operator = {
      "--identity", "spiffe://keyward.example/operator", "--connection", "acme", "--operation",
      "sign"};
  const testing::Finished refused = Explain(about_operator, "backend");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.out, IsEmpty());
  EXPECT_THAT(refused.err, HasSubstr("(NOT_ALLOWED)"));
  const testing::Finished about_backend =
      Explain({"--identity", kBackend, "--connection", "other", "--operation", "sign"});
  EXPECT_EQ(about_backend.exit_code, 1);
  EXPECT_THAT(about_backend.out, StartsWith("denied: no role allows it"));
  // Naming oneself is not asking about others.
  EXPECT_EQ(
      Explain({"--identity", kBackend, "--connection", "acme", "--operation", "view"}, "backend")
          .exit_code,
      0);
  EXPECT_EQ(Explain({"--connection", "acme", "--operation", "paint"}).exit_code, 1);

  Change(kNobodySignsForEu);
  const testing::Finished changed = Explain({"--connection", "eu-1", "--operation", "sign"});
  EXPECT_EQ(changed.exit_code, 1);
  EXPECT_THAT(changed.out, StartsWith("denied by the role eu-closed"));
  EXPECT_THAT(changed.out, HasSubstr("the role operators"));
}

TEST_F(PolicyTest, CheckSaysByItsExitCodeWhetherAFileIsGood) {
  // Asks no signer: none runs.
  const std::string file = signer_.File("policy.yaml");
  EXPECT_EQ(Policy({"check", file}).exit_code, 0);
  EXPECT_EQ(Policy({"check", file, "--strict"}).exit_code, 0);
  Put(kNobodySignsForEu);
  EXPECT_EQ(Policy({"check", file}).exit_code, 0);
  // What another role makes pointless.
  Put(R"(
  - {name: twice, identities: ["spiffe://keyward.example/backend"], connections: ["acme"], operations: [view]}
)");
  const testing::Finished warned = Policy({"check", file});
  EXPECT_EQ(warned.exit_code, 0);
  EXPECT_THAT(warned.out, HasSubstr("warning: "));
  EXPECT_EQ(Policy({"check", file, "--strict"}).exit_code, 1);
  Put("  - {name: x, identities: [nobody], connections: [acme], operations: [paint]}\n");
  const testing::Finished mistaken = Policy({"check", file});
  EXPECT_EQ(mistaken.exit_code, 1);
  EXPECT_THAT(mistaken.out, HasSubstr("paint"));
  EXPECT_THAT(mistaken.out, HasSubstr(absl::StrCat(file, ":10")));
  EXPECT_EQ(signer_.RunToEnd({"--check-config"}).exit_code, 1) << "the signer says the same";
  EXPECT_EQ(Policy({"check", signer_.File("absent.yaml")}).exit_code, 1);
  EXPECT_EQ(Policy({"check"}).exit_code, 2);
}

}  // namespace
}  // namespace keyward::e2e
