#include "client/tokens/connection_directory.h"

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/client/tokens/tokens_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::FailsWith;

class ConnectionDirectoryTest : public ::testing::Test {
 protected:
  absl::StatusOr<v1::Connection> Fetch(const std::string& name) {
    ++fetches_;
    MutexLock lock(&mutex_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return open_; });
    if (!error_.ok()) return error_;
    v1::Connection connection;
    connection.set_name(name);
    return connection;
  }

  void SetOpen(bool open) {
    MutexLock lock(&mutex_);
    open_ = open;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'900'000'000);
  std::atomic<int> fetches_ = 0;
  absl::Status error_;
  Mutex mutex_;
  bool open_ ABSL_GUARDED_BY(mutex_) = true;
  ConnectionDirectoryOptions options_;
  std::unique_ptr<ConnectionDirectory> directory_ =
      ConnectionDirectory::New(
          options_, [this](const std::string& name, absl::Time) { return Fetch(name); },
          [this] { return now_; })
          .value();
};

TEST_F(ConnectionDirectoryTest, OptionsAreChecked) {
  EXPECT_THAT(ConnectionDirectory::New({.keep = absl::Seconds(-1)}, nullptr),
              FailsWith(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID"));
  EXPECT_THAT(ConnectionDirectory::New({.fetch_timeout = absl::ZeroDuration()}, nullptr),
              FailsWith(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID"));
}

TEST_F(ConnectionDirectoryTest, SettingsAreKeptForAWhile) {
  EXPECT_EQ(directory_->Peek("acme"), std::nullopt);
  EXPECT_EQ(directory_->Get("acme", absl::InfiniteFuture()).value()->name(), "acme");
  now_ += options_.keep - absl::Milliseconds(1);
  EXPECT_TRUE(directory_->Get("acme", absl::InfiniteFuture()).ok());
  EXPECT_TRUE(directory_->Peek("acme").has_value());
  EXPECT_EQ(fetches_, 1);
  now_ += absl::Milliseconds(1);
  EXPECT_EQ(directory_->Peek("acme"), std::nullopt);
  EXPECT_TRUE(directory_->Get("acme", absl::InfiniteFuture()).ok());
  EXPECT_EQ(fetches_, 2);
}

TEST_F(ConnectionDirectoryTest, ThatThereIsNoneIsKeptBrieflyOtherErrorsNotAtAll) {
  error_ = absl::NotFoundError("none");
  EXPECT_TRUE(absl::IsNotFound(directory_->Get("acme", absl::InfiniteFuture()).status()));
  EXPECT_TRUE(absl::IsNotFound(directory_->Peek("acme")->status()));
  EXPECT_TRUE(absl::IsNotFound(directory_->Get("acme", absl::InfiniteFuture()).status()));
  EXPECT_EQ(fetches_, 1);
  now_ += options_.keep_not_found;
  error_ = absl::UnavailableError("down");
  for (int i = 2; i < 5; ++i) {
    EXPECT_TRUE(absl::IsUnavailable(directory_->Get("acme", absl::InfiniteFuture()).status()));
    EXPECT_EQ(fetches_, i);
  }
}

TEST_F(ConnectionDirectoryTest, ManyWhoAskAtOnceAskOnce) {
  SetOpen(false);
  std::vector<std::thread> threads;
  std::atomic<int> served = 0;
  std::atomic<int> begun = 0;
  for (int i = 0; i < 50; ++i) {
    threads.emplace_back([&] {
      ++begun;
      if (directory_->Get("acme", absl::InfiniteFuture()).ok()) ++served;
    });
  }
  while (begun < 50 || fetches_ < 1) std::this_thread::yield();
  // One who waits has a deadline; one who has the answer would not fail.
  EXPECT_THAT(directory_->Get("acme", now_),
              FailsWith(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED"));
  SetOpen(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served, 50);
  EXPECT_EQ(fetches_, 1);
}

TEST_F(ConnectionDirectoryTest, StaleOnesAreForgotten) {
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_TRUE(directory_->Get(absl::StrCat("c", i), absl::InfiniteFuture()).ok());
    now_ += options_.keep / 100;
  }
  EXPECT_LE(directory_->size(), 256U);
}

}  // namespace
}  // namespace keyward::client
