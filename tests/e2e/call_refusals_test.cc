// Callers and requests that a signer must turn away.
#include <keyward/v1/signer.grpc.pb.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/e2e/raw_calls.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSignMethod[] = "/keyward.v1.Signer/Sign";

class CallRefusalsTest : public SignerTest {
 protected:
  CallRefusalsTest() {
    Start();
    CreateConnection();
  }

  std::string GoodRequest() const {
    v1::SignRequest request;
    request.set_connection("acme");
    request.set_claims_json(GoodClaims());
    return request.SerializeAsString();
  }

  // A client certificate of the PKI with the flags of scripts/dev-pki.
  void AddClient(const std::string& name, const std::vector<std::string>& flags) const {
    std::vector<std::string> argv = {KEYWARD_DEV_PKI, "--client", name};
    argv.insert(argv.end(), flags.begin(), flags.end());
    argv.push_back(signer_.File("pki"));
    const testing::Finished finished = testing::Run(argv);
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
  }

  void ExpectStillServes() const { EXPECT_EQ(CodeAndReason(Sign()), "OK"); }
};

TEST_F(CallRefusalsTest, AClientWithoutACertificateGetsNoConnection) {
  const RawAnswer answer = CallUnary(Connect(signer_, "", ""), kSignMethod, GoodRequest());
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(answer.bytes, "");
  // Nor one without TLS.
  const RawAnswer plain =
      CallUnary(grpc::CreateChannel(signer_.address(), grpc::InsecureChannelCredentials()),
                kSignMethod, GoodRequest());
  EXPECT_EQ(plain.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  ExpectStillServes();
  EXPECT_THAT(SignOutcomes(), ElementsAre("done"));
}

TEST_F(CallRefusalsTest, ACertificateOfAnotherCaGetsNoConnection) {
  const testing::TempDir other;
  ASSERT_EQ(testing::Run({KEYWARD_DEV_PKI, other.File("pki")}).exit_code, 0);
  const RawAnswer answer =
      CallUnary(Connect(signer_, other.File("pki/operator.pem"), other.File("pki/operator.key")),
                kSignMethod, GoodRequest());
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  ExpectStillServes();
  EXPECT_THAT(SignOutcomes(), ElementsAre("done"));
}

TEST_F(CallRefusalsTest, AServersCertificateIsNoClients) {
  const RawAnswer answer =
      CallUnary(Connect(signer_, signer_.File("pki/standin.pem"), signer_.File("pki/standin.key")),
                kSignMethod, GoodRequest());
  EXPECT_FALSE(answer.status.ok());
  ExpectStillServes();
  EXPECT_THAT(SignOutcomes(), Contains("done").Times(1));
}

TEST_F(CallRefusalsTest, AnIdentityWithoutARoleIsDenied) {
  AddClient("stranger", {"--uri", "spiffe://keyward.example/stranger"});
  // A name that only looks like the operator's is another one.
  AddClient("imitator", {"--cn", "operator"});
  AddClient("host", {"--dns", "operator.keyward.example"});
  for (const char* name : {"stranger", "imitator", "host"}) {
    const auto client = Client(name);
    EXPECT_EQ(CodeAndReason(client->Sign("acme", GoodClaims()).status()),
              "PERMISSION_DENIED NOT_ALLOWED");
    EXPECT_EQ(CodeAndReason(client->GetConnection("acme").status()),
              "PERMISSION_DENIED NOT_ALLOWED");
    // A list that is empty would cost a record each time, which no refusal does.
    EXPECT_EQ(CodeAndReason(client->ListConnections().status()), "PERMISSION_DENIED NOT_ALLOWED");
    EXPECT_EQ(CodeAndReason(client->ListApprovals(false, "").status()),
              "PERMISSION_DENIED NOT_ALLOWED");
  }
  ExpectStillServes();
  ExpectSignOutcomes({"NOT_ALLOWED", "NOT_ALLOWED", "NOT_ALLOWED", "done"});
  EXPECT_EQ(Audit()[1]["identity"], "spiffe://keyward.example/stranger");
}

TEST_F(CallRefusalsTest, ACallerIsToldNothingOfConnectionsThatAreNotItsOwn) {
  CreateConnection("globex");
  const auto backend = Client("backend");
  EXPECT_EQ(CodeAndReason(backend->Sign("acme", GoodClaims()).status()), "OK");
  for (const char* name : {"globex", "absent"}) {
    EXPECT_EQ(CodeAndReason(backend->Sign(name, GoodClaims()).status()),
              "PERMISSION_DENIED NOT_ALLOWED");
    EXPECT_EQ(CodeAndReason(backend->GetCertificate(name).status()),
              "PERMISSION_DENIED NOT_ALLOWED");
  }
  const auto list = backend->ListConnections();
  ASSERT_TRUE(list.ok() && list->size() == 1);
  EXPECT_EQ(CodeAndReason(backend->DeleteConnection("acme", list->front().etag()).status()),
            "PERMISSION_DENIED NOT_ALLOWED");
  EXPECT_EQ(CodeAndReason(Sign("absent")), "NOT_FOUND CONNECTION_NOT_FOUND");
  EXPECT_EQ(CodeAndReason(Sign("globex")), "OK");
  ExpectSignOutcomes({"done", "NOT_ALLOWED", "NOT_ALLOWED", "CONNECTION_NOT_FOUND", "done"});
  const testing::Finished command = signer_.Keyward({"sign", "globex"}, "backend");
  EXPECT_EQ(command.exit_code, 1);
  EXPECT_EQ(command.out, "");
}

TEST_F(CallRefusalsTest, NamesThatAreNone) {
  const std::vector<std::string> names = {"",     "acme/x", "../acme", std::string("ac\0me", 5),
                                          "ACME", "-acme",  "acme ",   std::string(64, 'a')};
  const auto client = Client();
  // Another caller's: of one, only ten refusals a second are recorded apart.
  const auto backend = Client("backend");
  std::vector<std::string> outcomes;
  for (const std::string& name : names) {
    EXPECT_EQ(CodeAndReason(client->Sign(name, GoodClaims()).status()),
              "INVALID_ARGUMENT CONNECTION_NAME_INVALID")
        << name;
    v1::Connection connection;
    connection.set_name(name);
    EXPECT_EQ(CodeAndReason(backend->CreateConnection(connection).status()),
              "INVALID_ARGUMENT CONNECTION_NAME_INVALID")
        << name;
    outcomes.emplace_back("CONNECTION_NAME_INVALID");
  }
  ExpectStillServes();
  outcomes.emplace_back("done");
  ExpectSignOutcomes(outcomes);
  CreateConnection(std::string(63, 'a'));
  EXPECT_EQ(CodeAndReason(Sign(std::string(63, 'a'))), "OK");
}

TEST_F(CallRefusalsTest, KeyVersionsThatAreNotThere) {
  const auto client = Client();
  for (const uint32_t version : {0U, 2U, 4294967295U}) {
    EXPECT_EQ(CodeAndReason(client->Sign("acme", GoodClaims(), {.key_version = version}).status()),
              "NOT_FOUND KEY_VERSION_NOT_FOUND")
        << version;
  }
  EXPECT_EQ(CodeAndReason(client->Sign("acme", GoodClaims(), {.key_version = 1}).status()), "OK");
  EXPECT_THAT(SignOutcomes(), Contains("done").Times(1));
}

TEST_F(CallRefusalsTest, AConnectionWithoutAConsumerKeySignsNothing) {
  v1::Connection young;
  young.set_name("young");
  young.add_subjects(kSubject);
  const auto client = Client();
  ASSERT_TRUE(client->CreateConnection(young).ok());
  EXPECT_EQ(CodeAndReason(client->Sign("young", GoodClaims()).status()),
            "FAILED_PRECONDITION CONSUMER_KEY_MISSING");
  // Nor does an empty `iss` match the empty key.
  EXPECT_EQ(CodeAndReason(
                client->Sign("young", testing::Replaced(GoodClaims(), kConsumerKey, "")).status()),
            "FAILED_PRECONDITION CONSUMER_KEY_MISSING");
  ExpectStillServes();
  ExpectSignOutcomes({"CONSUMER_KEY_MISSING", "CONSUMER_KEY_MISSING", "done"});
}

TEST_F(CallRefusalsTest, RequestsThatAreTooLargeOrNoRequests) {
  const auto channel = Connect(signer_);
  v1::SignRequest large;
  large.set_connection("acme");
  large.set_claims_json(std::string(size_t{1} << 20, ' '));
  EXPECT_EQ(CallUnary(channel, kSignMethod, large.SerializeAsString()).status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_FALSE(CallUnary(channel, kSignMethod, "\xff\xff\xff").status.ok());
  // Field 1, a string, of bytes that are not UTF-8.
  EXPECT_FALSE(CallUnary(channel, kSignMethod, "\x0a\x02\xc3\x28").status.ok());
  EXPECT_EQ(CallUnary(channel, "/keyward.v1.Signer/SignDigest", "").status.error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  ExpectStillServes();
  EXPECT_THAT(SignOutcomes(), Contains("done").Times(1));
}

TEST_F(CallRefusalsTest, ACallThatIsAlreadyLateIsNotSigned) {
  const RawAnswer answer =
      CallUnary(Connect(signer_), kSignMethod, GoodRequest(), -absl::Seconds(1));
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(CodeAndReason(Client()->Sign("acme", GoodClaims(), {.deadline = absl::Now()}).status()),
            "DEADLINE_EXCEEDED DEADLINE_EXCEEDED");
  ExpectStillServes();
  EXPECT_THAT(SignOutcomes(), Contains("done").Times(1));
}

TEST_F(CallRefusalsTest, RefusalsTellNothingOfTheToken) {
  for (const absl::Status& status : {Sign("absent"), Sign("acme/x")}) {
    const std::string text = status.ToString();
    for (const char* secret : {testing::kSignerToken, testing::kUserPin, "softhsm", "slot"}) {
      EXPECT_THAT(text, Not(HasSubstr(secret)));
    }
  }
}

}  // namespace
}  // namespace keyward::e2e
