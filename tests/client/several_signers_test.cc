// One client and several signers, some of which do not work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/channel.h"
#include "client/channels.h"
#include "common/error.h"
#include "tests/client/signer_client_fixture.h"
#include "tests/client/silent_server.h"
#include "tests/testing/subprocess.h"

namespace keyward::client {
namespace {

using ::keyward::testing::RichStatus;
using ::keyward::testing::ScriptedSigner;
using ::testing::AllOf;
using ::testing::HasSubstr;

class SeveralSignersTest : public SignerClientFixture {
 protected:
  SeveralSignersTest()
      : second_(std::make_unique<ScriptedSigner>(server_files_, pki_.ca())),
        second_address_(second_->address()) {
    options_.signers = {signer_->address(), second_address_};
  }

  // Calls until `done` says so; a failure of the test where that takes too long.
  static void CallUntil(SignerClient& client, const std::function<bool()>& done) {
    const absl::Time limit = absl::Now() + absl::Seconds(60);
    while (!done()) {
      ASSERT_LT(absl::Now(), limit);
      ASSERT_TRUE(client.Sign("acme", "{}").ok());
    }
  }

  // Calls until both are connected to.
  void CallUntilBothAnswer(SignerClient& client) {
    CallUntil(client, [this] { return signer_->Calls("Sign") > 0 && second_->Calls("Sign") > 0; });
  }

  std::unique_ptr<ScriptedSigner> second_;
  const std::string second_address_;
};

TEST_F(SeveralSignersTest, CallsAreSpreadEvenly) {
  const auto client = Client();
  CallUntilBothAnswer(*client);
  const int first = signer_->Calls("Sign");
  const int second = second_->Calls("Sign");
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(client->Sign("acme", "{}").ok());
  EXPECT_EQ(signer_->Calls("Sign") - first, 10);
  EXPECT_EQ(second_->Calls("Sign") - second, 10);
}

TEST_F(SeveralSignersTest, ARepeatedCallGoesToAnotherSigner) {
  options_.retry.max_attempts = 2;
  const auto client = Client();
  CallUntilBothAnswer(*client);
  second_->FailNext("Sign", RichStatus(grpc::UNAVAILABLE, "TOKEN_UNAVAILABLE", "away"), 1000);
  const int failed = second_->Calls("Sign");
  for (int i = 0; i < 20; ++i) {
    const absl::Status status = client->Sign("acme", "{}").status();
    EXPECT_TRUE(status.ok()) << status;
  }
  EXPECT_GE(second_->Calls("Sign"), failed + 1);
}

// With other callers taking turns in between, too.
TEST_F(SeveralSignersTest, TheSignerThatFailedIsPassedOver) {
  const auto tls =
      MutualTls({pki_.ca(), client_files_.certificate, client_files_.private_key}, "signer")
          .value();
  std::vector<Channels::Entry> entries;
  for (const std::string& address : options_.signers) {
    entries.push_back({address, NewChannel(address, tls, {absl::Seconds(60), ""})});
  }
  Channels channels(entries);
  const absl::Time limit = absl::Now() + absl::Seconds(60);
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(entries[i].channel->WaitForConnected(absl::ToChronoTime(limit)));
  }
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(channels.Pick(limit, 0), 1U);
    EXPECT_EQ(channels.Pick(limit, 1), 0U);
    EXPECT_EQ(channels.Pick(limit, 1), 0U);
  }
  // Unless nothing else is connected.
  second_.reset();
  while (entries[1].channel->GetState(false) == GRPC_CHANNEL_READY && absl::Now() < limit) {
    std::this_thread::yield();
  }
  EXPECT_EQ(channels.Pick(limit, 0), 0U);
}

TEST_F(SeveralSignersTest, NoRepeatableCallFailsWhenASignerDies) {
  const auto client = Client();
  CallUntilBothAnswer(*client);
  std::atomic<int> calls = 0;
  std::atomic<bool> dead = false;
  std::atomic<int> calls_since = 0;
  const absl::Time limit = absl::Now() + absl::Seconds(60);
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (calls_since < 100 && absl::Now() < limit) {
        const absl::Status status = client->Sign("acme", "{}").status();
        EXPECT_TRUE(status.ok()) << status;
        ++calls;
        if (dead) ++calls_since;
      }
    });
  }
  while (calls < 100 && absl::Now() < limit) std::this_thread::yield();
  second_.reset();
  dead = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_GE(calls_since.load(), 100);
}

TEST_F(SeveralSignersTest, OneThatDoesNotServeIsLeftOutAndComesBack) {
  options_.watch_health = true;
  const auto client = Client();
  CallUntilBothAnswer(*client);
  second_->SetServing(false);
  // Until it hears of that; then it stays away.
  CallUntil(*client, [&] {
    const int before = second_->Calls("Sign");
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(client->Sign("acme", "{}").ok());
    return second_->Calls("Sign") == before;
  });
  const int left_out_at = second_->Calls("Sign");
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(client->Sign("acme", "{}").ok());
  EXPECT_EQ(second_->Calls("Sign"), left_out_at);

  second_->SetServing(true);
  CallUntil(*client, [&] { return second_->Calls("Sign") > left_out_at; });
}

TEST_F(SeveralSignersTest, WithoutAWatchHealthIsNotAskedFor) {
  second_->SetServing(false);
  const auto client = Client();
  CallUntilBothAnswer(*client);
}

TEST_F(SeveralSignersTest, WhereNoneServesThatIsSaid) {
  options_.watch_health = true;
  signer_->SetServing(false);
  second_->SetServing(false);
  EXPECT_EQ(ReasonOf(Client()->Sign("acme", "{}").status()), "SIGNER_UNREACHABLE");
  EXPECT_EQ(signer_->Calls("Sign") + second_->Calls("Sign"), 0);
}

TEST_F(SeveralSignersTest, WhereAllAreDownAllAreNamed) {
  const auto client = Client();
  CallUntilBothAnswer(*client);
  const std::string first_address = signer_->address();
  signer_.reset();
  second_.reset();
  for (const absl::Status& status :
       {client->Sign("acme", "{}").status(), client->CreateConnection(Named("new")).status(),
        Client()->Sign("acme", "{}").status()}) {
    EXPECT_EQ(ReasonOf(status), "SIGNER_UNREACHABLE");
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(first_address), HasSubstr(second_address_)));
  }
}

TEST_F(SeveralSignersTest, AChangeThatIsSentOnceFindsTheOneThatRuns) {
  second_.reset();
  for (int i = 0; i < 4; ++i) {
    std::swap(options_.signers[0], options_.signers[1]);
    const absl::Status status = Client()->CreateConnection(Named("new")).status();
    EXPECT_TRUE(status.ok()) << status;
  }
  EXPECT_EQ(signer_->Calls("CreateConnection"), 4);
}

TEST_F(SeveralSignersTest, OneThatNeverAnswersHoldsNoCallUp) {
  const testing::SilentServer silent;
  options_.signers = {absl::StrCat("127.0.0.1:", silent.port()), signer_->address()};
  // gRPC gives the connection up after 5 s.
  options_.timeout = absl::Seconds(4);
  const auto client = Client();
  for (int i = 0; i < 4; ++i) {
    const absl::Status status = client->Sign("acme", "{}").status();
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST_F(SeveralSignersTest, EachAddressIsChecked) {
  options_.signers = {signer_->address(), "unix:/tmp/x"};
  EXPECT_EQ(ReasonOf(NewError()), "OPTIONS_INVALID");
  options_.signers = {};
  EXPECT_EQ(ReasonOf(NewError()), "OPTIONS_INVALID");
}

}  // namespace
}  // namespace keyward::client
