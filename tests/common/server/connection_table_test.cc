#include "common/server/connection_table.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/server/listening_sockets.h"
#include "tests/common/server/tcp_clients.h"

namespace keyward::server {
namespace {

// A server that closes nothing by itself, and its clients.
class ConnectionTableTest : public ::testing::Test {
 protected:
  struct Pair {
    std::unique_ptr<UniqueFd> client;
    // Null where it was refused or closed.
    std::unique_ptr<UniqueFd> server;
  };

  ConnectionTableTest() : listening_(*ListenOn("127.0.0.1:0")) {}

  void Limit(int all, int per_address) {
    table_ = std::make_unique<ConnectionTable>(
        ConnectionLimits{.connections = all, .connections_per_address = per_address});
  }

  // Whether the table takes a connection from there.
  bool Connect(const char* from) {
    Pair pair{.client = std::make_unique<UniqueFd>(ConnectFrom(from, listening_.port))};
    pollfd ready = {.fd = listening_.sockets.front().get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&ready, 1, -1), 1);
    pair.server = std::make_unique<UniqueFd>(
        accept4(listening_.sockets.front().get(), nullptr, nullptr, SOCK_CLOEXEC));
    const bool admitted = table_->Admit(pair.server->get(), AddressOf(pair.server->get()));
    if (!admitted) pair.server.reset();
    pairs_.push_back(std::move(pair));
    return admitted;
  }

  // The client says something, and the server has got it.
  void Speak(size_t number) {
    ASSERT_EQ(send(pairs_[number].client->get(), "x", 1, 0), 1);
    pollfd ready = {.fd = pairs_[number].server->get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&ready, 1, -1), 1);
  }

  bool IsEnded(size_t number) const { return HasEnded(*pairs_[number].client); }
  int Ended() const {
    int count = 0;
    for (size_t i = 0; i < pairs_.size(); ++i) count += IsEnded(i) ? 1 : 0;
    return count;
  }
  void Close(size_t number) { pairs_[number].server.reset(); }

  ListeningSockets listening_;
  std::unique_ptr<ConnectionTable> table_;
  std::vector<Pair> pairs_;
};

TEST_F(ConnectionTableTest, CountsWhatIsOpen) {
  Limit(10, 10);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Connect("127.0.0.1"));
  EXPECT_EQ(table_->stats().open, 3U);
  Close(1);
  EXPECT_EQ(table_->stats().open, 2U);
  // Takes the number of the one that was closed.
  Close(0);
  EXPECT_TRUE(Connect("127.0.0.1"));
  EXPECT_EQ(table_->stats().open, 2U);
  EXPECT_EQ(Ended(), 2);
}

TEST_F(ConnectionTableTest, ADescriptorThatIsAnotherFileByNowIsNoConnection) {
  Limit(10, 10);
  EXPECT_TRUE(Connect("127.0.0.1"));
  const int fd = pairs_[0].server->get();
  const UniqueFd other(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(dup2(other.get(), fd), fd);
  EXPECT_EQ(table_->stats().open, 0U);
}

TEST_F(ConnectionTableTest, WhatIsClosedLeavesRoom) {
  Limit(3, 3);
  for (size_t i = 0; i < 50; ++i) {
    EXPECT_TRUE(Connect("127.0.0.1"));
    Speak(i);
    Close(i);
  }
  EXPECT_EQ(table_->stats().refused, 0);
  EXPECT_EQ(table_->stats().displaced, 0);
}

TEST_F(ConnectionTableTest, OfOneAddressTheOldestThatIsSilentGivesWay) {
  Limit(10, 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Connect("127.0.0.1"));
  Speak(0);
  EXPECT_TRUE(Connect("127.0.0.1"));
  EXPECT_FALSE(IsEnded(0));
  EXPECT_TRUE(IsEnded(1));
  EXPECT_FALSE(IsEnded(2));
  EXPECT_EQ(table_->stats().displaced, 1);
}

TEST_F(ConnectionTableTest, AnAddressWhoseConnectionsAllSpokeGetsNoMoreAndOthersDo) {
  Limit(10, 3);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(Connect("127.0.0.2"));
    Speak(i);
  }
  EXPECT_FALSE(Connect("127.0.0.2"));
  EXPECT_TRUE(Connect("127.0.0.1"));
  EXPECT_EQ(table_->stats().refused, 1);
  EXPECT_EQ(table_->stats().open, 4U);
}

TEST_F(ConnectionTableTest, WhoHasMostGivesWayToOthersUntilTheShareIsFair) {
  Limit(10, 10);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_TRUE(Connect("127.0.0.2"));
    Speak(i);
  }
  // It can take nothing from itself.
  EXPECT_FALSE(Connect("127.0.0.2"));
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(Connect("127.0.0.1"));
    Speak(11 + i);
  }
  // The newest of those were ended.
  for (size_t i = 0; i < 5; ++i) EXPECT_FALSE(IsEnded(i)) << i;
  for (size_t i = 5; i < 10; ++i) EXPECT_TRUE(IsEnded(i)) << i;
  EXPECT_FALSE(Connect("127.0.0.1"));
  EXPECT_FALSE(Connect("127.0.0.2"));
}

TEST_F(ConnectionTableTest, SilentOnesOfManyAddressesGiveWayToANewAddress) {
  Limit(10, 10);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Connect(absl::StrCat("127.0.1.", i + 1).c_str()));
  Speak(0);
  EXPECT_TRUE(Connect("127.0.0.1"));
  EXPECT_FALSE(IsEnded(0));
  EXPECT_TRUE(IsEnded(1));
  // With all of them speaking, there is nobody to take a place from.
  for (size_t i = 2; i < 11; ++i) Speak(i);
  EXPECT_FALSE(Connect("127.0.0.3"));
}

TEST_F(ConnectionTableTest, EndedOnesCountUntilTheyAreClosed) {
  Limit(100, 10);
  for (int i = 0; i < 10 + 63; ++i) EXPECT_TRUE(Connect("127.0.0.1"));
  EXPECT_FALSE(table_->IsWaitingForEnds());
  EXPECT_TRUE(Connect("127.0.0.1"));
  EXPECT_TRUE(table_->IsWaitingForEnds());
  EXPECT_EQ(table_->stats().open, 10U + 64U);
  Close(0);
  EXPECT_FALSE(table_->IsWaitingForEnds());
  EXPECT_EQ(table_->stats().open, 10U + 63U);
}

}  // namespace
}  // namespace keyward::server
