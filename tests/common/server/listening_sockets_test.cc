#include "common/server/listening_sockets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace keyward::server {
namespace {

using ::testing::StartsWith;

std::string WhyNot(const std::string& address) {
  const absl::Status status = ListenOn(address).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  return std::string(status.message());
}

TEST(ListeningSocketsTest, ListensOnEachAddressOfAHostWithOnePort) {
  const auto one = ListenOn("127.0.0.1:0");
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->sockets.size(), 1U);
  EXPECT_GT(one->port, 0);
  const auto named = ListenOn("localhost:0");
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_GE(named->sockets.size(), 1U);
}

TEST(ListeningSocketsTest, SaysWhyNothingCanListen) {
  const auto taken = ListenOn("127.0.0.1:0");
  ASSERT_TRUE(taken.ok()) << taken.status();
  const std::string there = absl::StrCat("127.0.0.1:", taken->port);
  EXPECT_EQ(WhyNot(there),
            absl::StrCat("cannot listen on ", there, ": another process listens there"));
  // TEST-NET-1 of RFC 5737.
  EXPECT_EQ(WhyNot("192.0.2.1:0"),
            "cannot listen on 192.0.2.1:0: it is no address of this machine");
  EXPECT_THAT(WhyNot("nowhere.invalid:1"), StartsWith("cannot listen on nowhere.invalid:1: "));
}

}  // namespace
}  // namespace keyward::server
