#include "tests/standin/form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyward::standin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(FormTest, KeepsEveryFieldInOrder) {
  EXPECT_THAT(*ParseForm("b=1&a=2&b=1&&c&=d&e=f=g"),
              ElementsAre(Pair("b", "1"), Pair("a", "2"), Pair("b", "1"), Pair("c", ""),
                          Pair("", "d"), Pair("e", "f=g")));
  EXPECT_THAT(*ParseForm(""), IsEmpty());
}

TEST(FormTest, Decodes) {
  EXPECT_THAT(*ParseForm("a%3d+b=%26%3Dc%2B+%00"),
              ElementsAre(Pair("a= b", std::string("&=c+ \0", 6))));
}

TEST(FormTest, RefusesBrokenEscapes) {
  for (const char* bad : {"a=%", "a=%4", "a=%4g", "a=%g4", "%=a", "a=%%20"}) {
    EXPECT_FALSE(ParseForm(bad).ok()) << bad;
  }
  EXPECT_TRUE(ParseForm("a=%41").ok());
}

}  // namespace
}  // namespace keyward::standin
