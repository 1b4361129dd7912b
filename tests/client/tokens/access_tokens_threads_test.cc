// With real threads and real time.
#include <atomic>
#include <thread>

#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"
#include "client/tokens/thread_scheduler.h"
#include "tests/client/tokens/tokens_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::FailsWith;
using ::keyward::testing::ScriptedLogin;

// Grants, but not before it is told to.
class GatedLogin : public Login {
 public:
  absl::StatusOr<LoginResult> Run(const LoginRequest&, absl::Time, LoginTimes*) override {
    const int number = ++logins;
    MutexLock lock(&mutex_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return open_; });
    return ScriptedLogin::Token(absl::StrCat("token-", number));
  }
  void Open() {
    MutexLock lock(&mutex_);
    open_ = true;
  }

  std::atomic<int> logins = 0;

 private:
  Mutex mutex_;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
};

class AccessTokensThreadsTest : public ::testing::Test {
 protected:
  AccessTokensThreadsTest() {
    auto directory = ConnectionDirectory::New({}, [this](const std::string& name, absl::Time) {
      ++fetches_;
      v1::Connection connection;
      connection.set_name(name);
      connection.add_subjects("user");
      return connection;
    });
    tokens_ = AccessTokens::New({.scheduler = ThreadScheduler::New(4).value(),
                                 .login = login_,
                                 .connections = *std::move(directory)},
                                {})
                  .value();
  }

  // Until `holds`, which the test's time limit bounds.
  static void Await(const std::function<bool()>& holds) {
    while (!holds()) absl::SleepFor(absl::Milliseconds(1));
  }

  std::shared_ptr<GatedLogin> login_ = std::make_shared<GatedLogin>();
  std::atomic<int> fetches_ = 0;
  std::unique_ptr<AccessTokens> tokens_;
};

TEST_F(AccessTokensThreadsTest, AThousandThreadsOnAColdEntryCauseOneLogin) {
  std::atomic<int> served = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 1000; ++i) {
    threads.emplace_back([&, i] {
      const auto token = tokens_->Get({.connection = "acme", .subject = i % 2 ? "user" : ""},
                                      absl::Now() + absl::Minutes(1));
      if (token.ok() && (*token)->granted.token.Expose() == "token-1") ++served;
    });
  }
  Await([&] { return tokens_->stats().waiting == 1000; });
  login_->Open();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served, 1000);
  EXPECT_EQ(login_->logins, 1);
  EXPECT_EQ(fetches_, 1);
}

TEST_F(AccessTokensThreadsTest, DeadlinesAreKeptWhileEveryThreadIsBusy) {
  for (const char* name : {"a", "b", "c", "d"}) {
    tokens_->Get({.connection = name}, absl::InfiniteFuture(), [](auto) {});
  }
  Await([&] { return login_->logins == 4; });
  EXPECT_THAT(tokens_->Get({.connection = "e"}, absl::Now() + absl::Milliseconds(20)),
              FailsWith(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED"));
  login_->Open();
}

TEST_F(AccessTokensThreadsTest, DrainWaitsForLoginsUnderWay) {
  std::atomic<bool> granted = false;
  tokens_->Get({.connection = "acme"}, absl::InfiniteFuture(),
               [&](auto token) { granted = token.ok(); });
  Await([&] { return login_->logins == 1; });
  std::thread drain([&] { tokens_->Drain(absl::Now() + absl::Minutes(1)); });
  // Not before Drain() has begun; until then a call waits in vain.
  Await([&] {
    const auto refused = tokens_->Get({.connection = "other"}, absl::Now() + absl::Milliseconds(1));
    return ReasonOf(refused.status()) == "SHUTTING_DOWN";
  });
  login_->Open();
  drain.join();
  Await([&] { return granted.load(); });
}

TEST_F(AccessTokensThreadsTest, HitsRejectionsAndMissesAtOnce) {
  login_->Open();
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 200; ++n) {
        TokenRequest request{.connection = absl::StrCat("c", (i + n) % 5)};
        if (n % 50 == 49) {
          const auto known = tokens_->Find(request);
          if (known) request.rejected = Secret(std::string(known->granted.token.Expose()));
        }
        const auto token = tokens_->Get(std::move(request), absl::Now() + absl::Minutes(1));
        if (!token.ok() && ReasonOf(token.status()) != "TOKEN_REJECTED_AGAIN") ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_LE(login_->logins, 10);
}

}  // namespace
}  // namespace keyward::client
