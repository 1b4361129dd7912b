#include "tests/e2e/failed_start.h"

#include "common/file.h"

namespace keyward::e2e {

using ::testing::HasSubstr;
using ::testing::Not;

std::string FailedStartTest::ConfigText() const {
  return ReadFile(signer_.File("signer.yaml")).value_or("");
}

void FailedStartTest::Check(const testing::Finished& finished,
                            const std::vector<std::string>& words) {
  EXPECT_EQ(finished.exit_code, 1) << finished.err;
  EXPECT_THAT(finished.err, Not(HasSubstr("serving on")));
  for (const std::string& word : words) EXPECT_THAT(finished.err, HasSubstr(word));
  for (const char* pin : {testing::kUserPin, testing::kSoPin}) {
    EXPECT_THAT(finished.err, Not(HasSubstr(pin)));
    EXPECT_THAT(finished.out, Not(HasSubstr(pin)));
  }
}

}  // namespace keyward::e2e
