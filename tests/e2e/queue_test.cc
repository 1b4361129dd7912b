// More calls than the token can take: the queue's end, and deadlines in it.
#include <algorithm>
#include <future>

#include "absl/time/clock.h"
#include "common/error.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

using ::testing::Contains;
using ::testing::UnorderedElementsAre;

// One session, and room for one more call to wait.
class QueueTest : public FaultySignerTest {
 protected:
  QueueTest() {
    StartWithRoomForTwo();
    calls_before_ = Calls("C_Sign");
  }

  std::future<absl::Status> SignInBackground() const {
    return std::async(std::launch::async, [this] { return Sign(); });
  }

  // A call that is at the token until Release().
  std::future<absl::Status> Occupy() const {
    SetFaults("C_Sign wait 600000\n");
    std::future<absl::Status> call = SignInBackground();
    EXPECT_TRUE(Eventually([&] { return SignCalls() == 1; }));
    return call;
  }
  void Release() const { SetFaults(""); }

  int SignCalls() const { return Calls("C_Sign") - calls_before_; }

 private:
  int calls_before_ = 0;
};

bool IsReady(const std::future<absl::Status>& call) {
  return call.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

TEST_F(QueueTest, ACallTooManyIsToldAtOnceHowLongToWait) {
  std::future<absl::Status> first = Occupy();
  // One of the two gets the place in the queue.
  std::future<absl::Status> second = SignInBackground();
  std::future<absl::Status> third = SignInBackground();
  ASSERT_TRUE(Eventually([&] { return IsReady(second) || IsReady(third); }));
  EXPECT_FALSE(IsReady(second) && IsReady(third));
  EXPECT_FALSE(IsReady(first));
  std::future<absl::Status>& refused = IsReady(second) ? second : third;
  std::future<absl::Status>& waiting = IsReady(second) ? third : second;
  const absl::Status status = refused.get();
  EXPECT_EQ(CodeAndReason(status), "RESOURCE_EXHAUSTED QUEUE_FULL");
  EXPECT_GT(RetryDelayOf(status).value_or(absl::ZeroDuration()), absl::ZeroDuration());
  Release();
  EXPECT_EQ(CodeAndReason(first.get()), "OK");
  EXPECT_EQ(CodeAndReason(waiting.get()), "OK");
  EXPECT_EQ(SignCalls(), 2);
  EXPECT_THAT(SignOutcomes(), UnorderedElementsAre("done", "done", "QUEUE_FULL"));
}

TEST_F(QueueTest, AClientThatRepeatsGetsThrough) {
  std::future<absl::Status> first = Occupy();
  std::future<absl::Status> second = SignInBackground();
  std::future<testing::Finished> command = std::async(std::launch::async, [this] {
    return signer_.Keyward({"sign", "acme"});
  });
  ASSERT_TRUE(Eventually([&] {
    const std::vector<std::string> outcomes = SignOutcomes();
    return std::find(outcomes.begin(), outcomes.end(), "QUEUE_FULL") != outcomes.end();
  }));
  Release();
  EXPECT_EQ(CodeAndReason(first.get()), "OK");
  EXPECT_EQ(command.get().exit_code, 0);
  second.wait();
}

TEST_F(QueueTest, ACallWhoseDeadlinePassesInTheQueueIsNotSigned) {
  const auto client = Client();
  ASSERT_TRUE(client->GetConnection("acme").ok());
  std::future<absl::Status> first = Occupy();
  const absl::Time soon = absl::Now() + absl::Milliseconds(300);
  EXPECT_EQ(CodeAndReason(client->Sign("acme", GoodClaims(), {.deadline = soon}).status()),
            "DEADLINE_EXCEEDED DEADLINE_EXCEEDED");
  EXPECT_FALSE(IsReady(first));
  // gRPC sends the time that is left, so that the signer's deadline is later by as
  // much as the call took to be read.
  ASSERT_TRUE(Eventually([&] { return absl::Now() > soon + absl::Seconds(1); }));
  Release();
  EXPECT_EQ(CodeAndReason(first.get()), "OK");
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
  EXPECT_EQ(SignCalls(), 2);
  EXPECT_THAT(SignOutcomes(), Contains("done").Times(2));
  EXPECT_THAT(SignOutcomes(), Contains("DEADLINE_PASSED").Times(::testing::Le(1)));
}

}  // namespace
}  // namespace keyward::e2e
