// SIGTERM while signing: what was accepted is finished.
#include <signal.h>

#include <future>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/e2e/load.h"
#include "tests/e2e/raw_calls.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Pair;

class DrainTest : public FaultySignerTest {
 protected:
  DrainTest() {
    Start(environment());
    CreateConnection();
  }

  // Digests of the claims of every Sign in the audit log that was done.
  std::multiset<std::string> Recorded() const {
    std::multiset<std::string> digests;
    for (const nlohmann::json& record : Audit()) {
      if (record["method"] == "Sign" && record["outcome"] == "done") {
        digests.insert(record["claims_sha256"].get<std::string>());
      }
    }
    return digests;
  }
};

TEST_F(DrainTest, EveryAcceptedCallIsAnswered) {
  std::vector<std::unique_ptr<client::SignerClient>> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(Client());
  Load load(std::move(clients), "drain");
  ASSERT_TRUE(Eventually([&] { return load.count() >= 40; }));
  signer_.daemon().Signal(SIGTERM);
  EXPECT_EQ(signer_.daemon().Wait(kPatience), 0) << signer_.daemon().Output();
  load.Stop();
  EXPECT_THAT(load.errors(), Each(Pair("UNAVAILABLE SIGNER_UNREACHABLE", ::testing::Gt(0))));
  const std::vector<std::string> released = load.claims_sha256();
  EXPECT_EQ(Recorded(), std::multiset<std::string>(released.begin(), released.end()));
}

TEST_F(DrainTest, CallsAtTheTokenAndInTheQueueAreFinished) {
  const auto channel = Connect(signer_);
  const HealthWatch watch(channel);
  ASSERT_TRUE(Eventually([&] {
    const std::vector<std::string> seen = watch.seen();
    return !seen.empty() && seen.back() == "SERVING";
  }));
  const int before = Calls("C_Sign");
  SetFaults("C_Sign wait 600000\n");
  // Two sessions: two are at the token and the others wait.
  std::vector<std::future<absl::Status>> calls;
  for (int i = 0; i < 5; ++i) {
    calls.push_back(std::async(std::launch::async, [this] { return Sign(); }));
    ASSERT_TRUE(Eventually([&] { return Calls("C_Sign") == before + std::min(i + 1, 2); }));
  }
  signer_.daemon().Signal(SIGTERM);
  ASSERT_TRUE(Eventually([&] { return watch.seen().back() == "NOT_SERVING"; }));
  ASSERT_TRUE(signer_.daemon().WaitForOutput("draining"));
  SetFaults("");
  int answered = 0;
  for (std::future<absl::Status>& call : calls) {
    const std::string outcome = CodeAndReason(call.get());
    EXPECT_THAT(outcome, AnyOf("OK", "UNAVAILABLE SIGNER_UNREACHABLE"));
    if (outcome == "OK") ++answered;
  }
  EXPECT_GE(answered, 2);
  EXPECT_EQ(signer_.daemon().Wait(kPatience), 0) << signer_.daemon().Output();
  EXPECT_EQ(Recorded().size(), static_cast<size_t>(answered));
  // The last is the checkpoint at the end of the audit log.
  EXPECT_EQ(Calls("C_Sign"), before + answered + 1);
}

TEST_F(DrainTest, ASignerThatStandsIdleEndsAtOnceOnEitherSignal) {
  for (const int signal : {SIGTERM, SIGINT}) {
    signer_.daemon().Signal(signal);
    EXPECT_EQ(signer_.daemon().Wait(), 0) << signer_.daemon().Output();
    Start(environment());
  }
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
}

using ProcessTest = SignerTest;

TEST_F(ProcessTest, AClosedTerminalAndAReaderThatLeftDoNotEndIt) {
  Start();
  CreateConnection();
  signer_.daemon().Signal(SIGHUP);
  signer_.daemon().Signal(SIGPIPE);
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
  EXPECT_EQ(signer_.daemon().Wait(absl::ZeroDuration()), -1) << "it has ended";
}

TEST_F(ProcessTest, LeavesNoCoreDump) {
  Start();
  const std::string limits = *ReadFile(absl::StrCat("/proc/", signer_.daemon().pid(), "/limits"));
  EXPECT_THAT(limits, ::testing::ContainsRegex("Max core file size +0 +0 "));
}

}  // namespace
}  // namespace keyward::e2e
