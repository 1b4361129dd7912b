#include "client/claims_for_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/error.h"

namespace keyward::client {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

v1::Connection Acme() {
  v1::Connection acme;
  acme.set_name("acme");
  acme.set_consumer_key("3MVG9.key");
  acme.add_audiences("https://login.salesforce.com");
  acme.add_audiences("https://acme.my.salesforce.com");
  acme.add_subjects("user@acme.example");
  return acme;
}

nlohmann::json Claims(const v1::Connection& connection, const ClaimsChoice& choice = {}) {
  const auto claims = ClaimsFor(connection, choice, kNow);
  EXPECT_TRUE(claims.ok()) << claims.status();
  return nlohmann::json::parse(claims.value_or("{}"));
}

TEST(ClaimsForTest, TakesTheConnectionsOwn) {
  EXPECT_EQ(Claims(Acme()), nlohmann::json({{"iss", "3MVG9.key"},
                                            {"sub", "user@acme.example"},
                                            {"aud", "https://login.salesforce.com"},
                                            {"exp", 1700000180}}));
}

TEST(ClaimsForTest, TakesWhatIsChosenAsItIs) {
  const auto claims =
      Claims(Acme(), {.subject = "o@x", .audience = "https://a", .lifetime = absl::Seconds(9)});
  EXPECT_EQ(claims["sub"], "o@x");
  EXPECT_EQ(claims["aud"], "https://a");
  EXPECT_EQ(claims["exp"], 1700000009);
}

TEST(ClaimsForTest, SaysWhatTheConnectionLacks) {
  const auto error = [](const v1::Connection& connection) {
    return ClaimsFor(connection, {}, kNow).status();
  };
  v1::Connection connection = Acme();
  connection.clear_consumer_key();
  EXPECT_EQ(ReasonOf(error(connection)), "CONSUMER_KEY_MISSING");
  EXPECT_THAT(std::string(error(connection).message()),
              HasSubstr("keyward connection update acme --consumer-key"));
  connection = Acme();
  connection.clear_audiences();
  EXPECT_EQ(ReasonOf(error(connection)), "NO_AUDIENCE");
  connection = Acme();
  connection.clear_subjects();
  EXPECT_EQ(ReasonOf(error(connection)), "NO_SUBJECT");
  connection = Acme();
  connection.set_consumer_key("a\nb");
  EXPECT_EQ(ReasonOf(error(connection)), "CLAIMS_INVALID");
}

TEST(SubjectOfTest, IsTheOnlyOneOrTheChosenOne) {
  v1::Connection connection = Acme();
  EXPECT_EQ(SubjectOf(connection, "").value(), "user@acme.example");
  connection.add_subjects("second@acme.example");
  EXPECT_EQ(SubjectOf(connection, "second@acme.example").value(), "second@acme.example");
  const absl::Status ambiguous = SubjectOf(connection, "").status();
  EXPECT_EQ(ambiguous.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(ambiguous), "SUBJECT_AMBIGUOUS");
  EXPECT_THAT(std::string(ambiguous.message()),
              AllOf(HasSubstr("user@acme.example"), HasSubstr("second@acme.example")));
}

TEST(SubjectOfTest, AnotherOneIsNotAllowed) {
  v1::Connection connection = Acme();
  const absl::Status other = SubjectOf(connection, "User@acme.example").status();
  EXPECT_EQ(other.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(other), "SUBJECT_NOT_ALLOWED");
  // An update replaces the list.
  EXPECT_THAT(
      std::string(other.message()),
      EndsWith("add it with 'keyward connection update acme', repeating --subject for each, "
               "those that it has included: user@acme.example"));
  connection.clear_subjects();
  EXPECT_EQ(ReasonOf(SubjectOf(connection, "user@acme.example").status()), "NO_SUBJECT");
}

TEST(SubjectOfTest, APatternStandsForWhoFitsIt) {
  v1::Connection connection = Acme();
  connection.add_subject_patterns("integration-*@acme.example");
  EXPECT_EQ(SubjectOf(connection, "integration-1@acme.example").value(),
            "integration-1@acme.example");
  EXPECT_EQ(SubjectOf(connection, "user@acme.example").value(), "user@acme.example");
  EXPECT_EQ(SubjectOf(connection, "").value(), "user@acme.example");
  const absl::Status other = SubjectOf(connection, "integration-@acme.example").status();
  EXPECT_EQ(ReasonOf(other), "SUBJECT_NOT_ALLOWED");
  EXPECT_THAT(std::string(other.message()), HasSubstr("like integration-*@acme.example"));
}

TEST(SubjectOfTest, WithPatternsOnlyOneMustBeChosen) {
  v1::Connection connection = Acme();
  connection.clear_subjects();
  connection.add_subject_patterns("integration-*@acme.example");
  const absl::Status none = SubjectOf(connection, "").status();
  EXPECT_EQ(none.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(none), "NO_SUBJECT");
  EXPECT_THAT(std::string(none.message()),
              HasSubstr("choose a user with --subject, like integration-*@acme.example"));
  EXPECT_EQ(SubjectOf(connection, "integration-1@acme.example").value(),
            "integration-1@acme.example");
  const absl::Status other = SubjectOf(connection, "user@acme.example").status();
  EXPECT_EQ(ReasonOf(other), "SUBJECT_NOT_ALLOWED");
  EXPECT_THAT(std::string(other.message()),
              AllOf(HasSubstr("like integration-*@acme.example"), EndsWith("--subject USER'")));
}

TEST(SubjectOfTest, NamesAFewOfMany) {
  v1::Connection connection = Acme();
  for (int i = 2; i <= 100; ++i) connection.add_subjects(std::string("user") + std::to_string(i));
  for (const char* chosen : {"", "another"}) {
    EXPECT_THAT(std::string(SubjectOf(connection, chosen).status().message()),
                AllOf(EndsWith("user9, user10 and 90 more"), Not(HasSubstr("user11"))));
  }
}

}  // namespace
}  // namespace keyward::client
