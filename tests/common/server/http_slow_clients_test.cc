// What slow clients of the HTTP listener can take from others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <iterator>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/common/server/raw_http_client.h"

namespace keyward::server {
namespace {

using ::testing::HasSubstr;

int CountDescriptors() {
  const std::filesystem::directory_iterator descriptors("/proc/self/fd");
  return static_cast<int>(std::distance(begin(descriptors), end(descriptors)));
}

TEST(HttpSlowClientsTest, AClientThatIsSlowIsCut) {
  HttpTimes times = kNoLimit;
  times.request = absl::Milliseconds(50);
  const auto listener = Listen(&Echo, times);
  const RawClient silent(*listener);
  silent.Send("GET /a HTTP/1.1\r\n");
  EXPECT_THAT(silent.Receive(), ::testing::Not(HasSubstr("200 OK")));
  // Never silent for long, and never at its end.
  const RawClient dripping(*listener);
  const absl::Time start = absl::Now();
  while (!dripping.HasNews(absl::Milliseconds(5)) && absl::Now() - start < absl::Seconds(20)) {
    dripping.Send("X");
  }
  EXPECT_LT(absl::Now() - start, absl::Seconds(20));
}

TEST(HttpSlowClientsTest, ClientsBeyondTheThreadsWaitForTheirTurn) {
  const auto listener = Listen();
  const int before = CountDescriptors();
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < kHttpThreads; ++i) {
    idle.push_back(std::make_unique<RawClient>(*listener));
    idle.back()->Send("GET");
  }
  const RawClient waiting(*listener);
  waiting.Send(kGet);
  std::vector<std::unique_ptr<RawClient>> more;
  while (more.size() < 4) more.push_back(std::make_unique<RawClient>(*listener));
  auto answer = std::async(std::launch::async, [&] { return waiting.Receive(); });
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  // Ours, one for each thread, and the one that is next.
  EXPECT_LE(CountDescriptors(), before + kHttpThreads + 1 + 4 + kHttpThreads + 1);
  idle.pop_back();
  EXPECT_THAT(answer.get(), HasSubstr("</a>"));
}

TEST(HttpSlowClientsTest, AWholeRequestMayTakeLongerToAnswer) {
  HttpTimes times = kNoLimit;
  times.request = absl::Milliseconds(50);
  absl::Notification never;
  const auto listener = Listen(
      [&](const std::string& path) {
        never.WaitForNotificationWithTimeout(2 * times.request);
        return Echo(path);
      },
      times);
  const RawClient client(*listener);
  client.Send(kGet);
  EXPECT_THAT(client.Receive(), HasSubstr("</a>"));
}

TEST(HttpSlowClientsTest, HalfRequestsDoNotKeepOthersWaiting) {
  const auto listener = Listen(&Echo, HttpTimes());
  std::vector<std::unique_ptr<RawClient>> idle;
  // As many as the kernel takes without a delay.
  for (int i = 0; i < kHttpThreads + 6; ++i) {
    idle.push_back(std::make_unique<RawClient>(*listener));
    idle.back()->Send("GET /a HTTP/1.1\r\nHost: loc");
  }
  const absl::Time start = absl::Now();
  const RawClient waiting(*listener);
  waiting.Send(kGet);
  EXPECT_THAT(waiting.Receive(), HasSubstr("</a>"));
  EXPECT_LT(absl::Now() - start, absl::Seconds(3));
}

TEST(HttpSlowClientsTest, ClientsThatDoNotReadMakeRoomForOthers) {
  HttpTimes times = kNoLimit;
  times.crowded_connection = absl::Milliseconds(50);
  const std::string long_body(size_t{32} << 20, 'a');
  const auto listener = Listen(
      [&](const std::string& path) {
        return path == "/long" ? HttpAnswer{200, "text/plain", long_body} : Echo(path);
      },
      times);
  std::vector<std::unique_ptr<RawClient>> deaf;
  for (int i = 0; i < kHttpThreads; ++i) {
    deaf.push_back(std::make_unique<RawClient>(*listener));
    deaf.back()->Send("GET /long HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(deaf.back()->HasNews(kForever));
  }
  const RawClient waiting(*listener);
  waiting.Send(kGet);
  ASSERT_TRUE(waiting.HasNews(absl::Seconds(20)));
  EXPECT_THAT(waiting.Receive(), HasSubstr("</a>"));
}

}  // namespace
}  // namespace keyward::server
