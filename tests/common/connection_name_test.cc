#include "common/connection_name.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/error.h"

namespace keyward {
namespace {

TEST(ConnectionNameTest, LettersDigitsAndHyphensInside) {
  for (const std::string& name : {std::string("a"), std::string("0"), std::string("a-b"),
                                  std::string("a--b"), std::string(63, 'a')}) {
    EXPECT_TRUE(CheckConnectionName(name).ok()) << name;
  }
  for (const std::string& name : std::vector<std::string>{
           "", "-", "-a", "a-", "A", "a_b", "a.b", "a/b", "../a", "a b", "a\n", "\xC3\xBC", "*",
           std::string("a\0", 2), std::string("a\0b", 3), std::string(64, 'a')}) {
    const absl::Status status = CheckConnectionName(name);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(ReasonOf(status), "CONNECTION_NAME_INVALID") << name;
  }
}

}  // namespace
}  // namespace keyward
