#include "common/subject_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace keyward {
namespace {

using ::testing::HasSubstr;

TEST(SubjectPatternTest, AcceptsOneStarBeforeOneAtAndAHostName) {
  for (const std::string& pattern :
       {std::string("*@acme.example"), std::string("integration-*@acme.example"),
        std::string("*.svc@acme.example.uat_1"), std::string("a*b@x"),
        std::string("j\xC3\xBCrgen*@acme.example"), std::string(245, 'a') + "*@a.exampl"}) {
    EXPECT_TRUE(CheckSubjectPattern(pattern).ok())
        << pattern << ": " << CheckSubjectPattern(pattern);
  }
}

TEST(SubjectPatternTest, RefusesEverythingElseAndSaysWhy) {
  const struct {
    std::string pattern;
    const char* why;
  } kCases[] = {
      {"", "1 to 255 bytes"},
      {"*", "one \"@\""},
      {"user@acme.example", "one \"*\""},
      {"**@acme.example", "one \"*\""},
      {"*@*.example", "one \"*\""},
      {"a@*", "before the \"@\""},
      {"a@*.example", "before the \"@\""},
      {"*@", "whole domain"},
      {"*@@acme.example", "one \"@\""},
      {"*@a@acme.example", "one \"@\""},
      {"*@.example", "whole domain"},
      {"*@acme.example.", "whole domain"},
      {"*@ACME.example", "lower case"},
      {"Int-*@acme.example", "lower case"},
      {"*@acme example", "whole domain"},
      {" *@acme.example", "outer spaces"},
      {"a\n*@acme.example", "control characters"},
      {"\xC2\x85*@acme.example", "control characters"},
      {"\xFF*@acme.example", "UTF-8"},
      {std::string("a\0*@acme.example", 16), "control characters"},
      {std::string(246, 'a') + "*@a.exampl", "255 bytes"},
  };
  for (const auto& [pattern, why] : kCases) {
    const absl::Status status = CheckSubjectPattern(pattern);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << pattern;
    EXPECT_THAT(std::string(status.message()), HasSubstr(why)) << pattern;
  }
}

TEST(SubjectPatternTest, TheStarStandsForOneOrMoreCharactersOtherThanAt) {
  constexpr char kPattern[] = "int-*-1@acme.example";
  for (const char* subject :
       {"int-a-1@acme.example", "int-a-1-1@acme.example", "int---1@acme.example",
        "int-\xC3\xBC-1@acme.example", "int-*-1@acme.example", "int-a b-1@acme.example"}) {
    EXPECT_TRUE(MatchesSubjectPattern(kPattern, subject)) << subject;
  }
  for (const std::string& subject :
       {std::string("int--1@acme.example"), std::string("int-1@acme.example"), std::string(),
        std::string("int-a-1@acme.exampl"), std::string("int-a-1@acme.example.evil"),
        std::string("int-a-1@ACME.example"), std::string("Int-a-1@acme.example"),
        std::string("int-A-1@acme.example"), std::string("int-aZa-1@acme.example"),
        std::string("int-x@evil-1@acme.example"), std::string("int-a\n-1@acme.example"),
        std::string("int-a\0-1@acme.example", 22), std::string("int-\xFF-1@acme.example"),
        std::string("int-\xED\xA0\x80-1@acme.example"),
        "int-" + std::string(256 - 19, 'a') + "-1@acme.example"}) {
    EXPECT_FALSE(MatchesSubjectPattern(kPattern, subject)) << subject;
  }
  EXPECT_TRUE(
      MatchesSubjectPattern(kPattern, "int-" + std::string(255 - 19, 'a') + "-1@acme.example"));
  EXPECT_FALSE(MatchesSubjectPattern("*@acme.example", "@acme.example"));
  EXPECT_TRUE(MatchesSubjectPattern("*@acme.example", "a@acme.example"));
  EXPECT_FALSE(MatchesSubjectPattern("*@acme.example", " a@acme.example"));
}

TEST(SubjectPatternTest, WithoutAStarItStandsForItself) {
  EXPECT_FALSE(HasWildcard("user@acme.example"));
  EXPECT_TRUE(HasWildcard("*@acme.example"));
  EXPECT_TRUE(MatchesSubjectPattern("user@acme.example", "user@acme.example"));
  EXPECT_FALSE(MatchesSubjectPattern("user@acme.example", "User@acme.example"));
  EXPECT_FALSE(MatchesSubjectPattern("", ""));
}

TEST(SubjectPatternTest, APatternThatNobodyCheckedReachesNoFurther) {
  EXPECT_FALSE(MatchesSubjectPattern("*", "user@acme.example"));
  EXPECT_FALSE(MatchesSubjectPattern("user@*", "user@acme.example"));
  EXPECT_FALSE(MatchesSubjectPattern("user@*.example", "user@acme.example"));
  EXPECT_FALSE(MatchesSubjectPattern("*@*", "user@acme.example"));
  EXPECT_FALSE(MatchesSubjectPattern("a@*@b", "a@x@b"));
  EXPECT_FALSE(MatchesSubjectPattern("user*@", "usera@"));
}

}  // namespace
}  // namespace keyward
