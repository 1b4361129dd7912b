#include "common/loopback.h"

#include <gtest/gtest.h>

namespace keyward {
namespace {

TEST(LoopbackTest, KnowsThisMachine) {
  for (const char* host :
       {"localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "[::1]", "[0:0::1]"}) {
    EXPECT_TRUE(IsLoopbackHost(host)) << host;
  }
  EXPECT_FALSE(IsLoopbackHost(absl::string_view("127.0.0.1\0.evil.example", 23)));
  for (const char* host :
       {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.1",
        "128.0.0.1", "0.0.0.0", "::1", "[::]", "[::1", "[fe80::1]", "[127.0.0.1]"}) {
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
  }
}

TEST(LoopbackTest, CutsThePortOff) {
  EXPECT_EQ(HostOf("127.0.0.1:9464"), "127.0.0.1");
  EXPECT_EQ(HostOf("localhost"), "localhost");
  EXPECT_EQ(HostOf("[::1]:9464"), "[::1]");
  EXPECT_EQ(HostOf("[::1]"), "[::1]");
  EXPECT_EQ(HostOf(":9464"), "");
  EXPECT_EQ(HostOf(""), "");
}

}  // namespace
}  // namespace keyward
