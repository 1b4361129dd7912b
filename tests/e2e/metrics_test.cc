// What the signer has counted after a known series of calls.
#include <future>

#include "absl/strings/str_cat.h"
#include "tests/e2e/monitoring_page.h"
#include "tests/e2e/raw_calls.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::string Calls(absl::string_view method, absl::string_view code, int count) {
  return absl::StrCat("keyward_calls_total{code=\"", code, "\",method=\"", method, "\"} ", count);
}

std::string Times(absl::string_view phase, int count) {
  return absl::StrCat("keyward_sign_seconds_count{phase=\"", phase, "\"} ", count);
}

class MetricsTest : public SignerTest {
 protected:
  MetricsTest() {
    signer_.Write("signer.yaml", absl::StrCat(signer_.DefaultConfig(), kMonitoring));
    Start();
  }

  std::vector<std::string> Counted() { return Series(signer_, "keyward_calls_total", false); }
};

TEST_F(MetricsTest, CallsAreCountedExactly) {
  EXPECT_THAT(Counted(), IsEmpty());
  EXPECT_THAT(Series(signer_, "keyward_sign_seconds_count"), Each(EndsWith(" 0")));
  CreateConnection();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(CodeAndReason(Sign()), "OK");
  const auto client = Client();
  EXPECT_FALSE(client->Sign("acme", "{}").ok());
  EXPECT_FALSE(client->Sign("no such connection", GoodClaims()).ok());
  EXPECT_EQ(CodeAndReason(Sign("absent")), "NOT_FOUND CONNECTION_NOT_FOUND");
  EXPECT_TRUE(client->GetConnection("acme").ok());
  EXPECT_FALSE(client->GetConnection("absent").ok());
  EXPECT_TRUE(client->GetJwks("acme").ok());
  const auto backend = Client("backend");
  EXPECT_FALSE(backend->DeleteConnection("acme", "1").ok());
  EXPECT_TRUE(backend->ListConnections().ok());
  EXPECT_EQ(CodeAndReason(backend->Sign("other", GoodClaims()).status()),
            "PERMISSION_DENIED NOT_ALLOWED");

  EXPECT_THAT(Counted(), UnorderedElementsAre(
                             Calls("Sign", "OK", 3), Calls("Sign", "INVALID_ARGUMENT", 2),
                             Calls("Sign", "NOT_FOUND", 1), Calls("Sign", "PERMISSION_DENIED", 1),
                             Calls("CreateConnection", "OK", 1), Calls("GetConnection", "OK", 1),
                             Calls("GetConnection", "NOT_FOUND", 1), Calls("GetJwks", "OK", 1),
                             Calls("DeleteConnection", "PERMISSION_DENIED", 1),
                             Calls("ListConnections", "OK", 1)));
  // Every call waits for its turn, but only those that are allowed get to the token.
  EXPECT_THAT(Series(signer_, "keyward_sign_seconds_count"),
              UnorderedElementsAre(Times("queue", 7), Times("token", 3), Times("audit", 3),
                                   Times("total", 3)));
}

TEST_F(MetricsTest, NothingThatACallerChoseIsALabel) {
  CreateConnection();
  const auto channel = Connect(signer_);
  for (const char* method : {"/keyward.v1.Signer/Steal", "/keyward.v1.Thief/Sign", "/x"}) {
    EXPECT_FALSE(CallUnary(channel, method, "").status.ok());
  }
  EXPECT_EQ(CodeAndReason(Sign("stranger")), "NOT_FOUND CONNECTION_NOT_FOUND");
  const std::string metrics = Get(signer_, "/metrics").body;
  for (const char* word : {"Steal", "Thief", "stranger", "keyward.example", "operator"}) {
    EXPECT_THAT(metrics, Not(HasSubstr(word)));
  }
}

// One session, and room for one more call to wait.
class BusyMetricsTest : public FaultySignerTest {
 protected:
  BusyMetricsTest() {
    const std::string config =
        testing::Replaced(signer_.DefaultConfig(), testing::kSoftHsmModule, KEYWARD_FAULTY_MODULE);
    signer_.Write("signer.yaml",
                  absl::StrCat(testing::Replaced(config, "registry:", "  sessions: 1\nregistry:"),
                               "limits:\n  queue: 1\n", kMonitoring));
    Start(environment());
    CreateConnection();
  }
};

TEST_F(BusyMetricsTest, TheQueueAndTheSessionsAreSeen) {
  // Readiness takes a session now and then, too.
  EXPECT_TRUE(Eventually([&] {
    return Series(signer_, "keyward_sessions_in_use").front() == "keyward_sessions_in_use 0";
  }));
  EXPECT_THAT(Series(signer_, "keyward_sign_queue"), ElementsAre("keyward_sign_queue_length 0"));
  const int before = Calls("C_Sign");
  SetFaults("C_Sign wait 600000\n");
  auto first = std::async(std::launch::async, [this] { return Sign(); });
  ASSERT_TRUE(Eventually([&] { return Calls("C_Sign") == before + 1; }));
  EXPECT_THAT(Series(signer_, "keyward_sessions"),
              ElementsAre("keyward_sessions 1", "keyward_sessions_in_use 1"));
  auto second = std::async(std::launch::async, [this] { return Sign(); });
  EXPECT_TRUE(Eventually([&] {
    return Series(signer_, "keyward_sign_queue").front() == "keyward_sign_queue_length 1";
  }));
  EXPECT_EQ(CodeAndReason(Sign()), "RESOURCE_EXHAUSTED QUEUE_FULL");
  SetFaults("");
  EXPECT_EQ(CodeAndReason(first.get()), "OK");
  EXPECT_EQ(CodeAndReason(second.get()), "OK");
  EXPECT_THAT(Series(signer_, "keyward_sign_queue"), ElementsAre("keyward_sign_queue_length 0"));
  EXPECT_THAT(Series(signer_, "keyward_calls_total{code=\"RESOURCE_EXHAUSTED\""),
              ElementsAre(e2e::Calls("Sign", "RESOURCE_EXHAUSTED", 1)));
  EXPECT_THAT(Series(signer_, "keyward_sign_seconds_count"),
              UnorderedElementsAre(Times("queue", 2), Times("token", 2), Times("audit", 2),
                                   Times("total", 2)));
}

// Each failure of the device ends a generation of sessions: the one of the call, and the
// one of its second attempt.
TEST_F(BusyMetricsTest, RecoveriesAreCounted) {
  EXPECT_THAT(Series(signer_, "keyward_session_recoveries_total"), Each(EndsWith(" 0")));
  SetFaults("C_Sign 0x30\n");
  EXPECT_EQ(CodeAndReason(Sign()), "UNAVAILABLE TOKEN_UNAVAILABLE");
  SetFaults("");
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
  EXPECT_THAT(Series(signer_, "keyward_session_recoveries_total"),
              ElementsAre("keyward_session_recoveries_total{outcome=\"recovered\"} 2",
                          "keyward_session_recoveries_total{outcome=\"failed\"} 0"));
}

}  // namespace
}  // namespace keyward::e2e
