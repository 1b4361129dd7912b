#include "signer/policy_explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace keyward::signer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

AuthorizationPolicy Policy(absl::string_view yaml) {
  auto policy = AuthorizationPolicy::Parse(yaml, "p");
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *std::move(policy);
}

constexpr char kPolicy[] = R"(roles:
  - {name: viewer, identities: ["cn:a"], connections: ["*"], operations: [view]}
  - {name: eu, identities: ["cn:a"], connections: ["eu-*"], operations: [sign]}
  - {name: users, identities: ["cn:a"], connections: ["*"], operations: [sign], subjects: ["u@x.example"]}
  - {name: all, identities: ["cn:a"], connections: ["*"], operations: [sign, rotate]}
  - {name: other, identities: ["cn:b"], connections: ["*"], operations: [sign]}
  - {name: no-prod, effect: deny, identities: ["*"], connections: ["prod-*"], operations: [sign]}
  - {name: no-boss, effect: deny, identities: ["*"], connections: ["*"], operations: [sign], subjects: ["boss@x.example"]}
)";

TEST(PolicyExplanationTest, NamesTheRoleThatAllows) {
  const PolicyExplanation why =
      Explain(Policy(kPolicy), {"cn:a", "acme", Operation::kSign, "x@x.example"});
  EXPECT_TRUE(why.allowed);
  EXPECT_EQ(why.role, "all");
  EXPECT_EQ(why.line, 5);
  EXPECT_EQ(why.summary, "allowed by the role all (line 5, effect allow)");
  EXPECT_THAT(
      why.others,
      ElementsAre("the role viewer (line 2, effect allow) does not have the operation sign",
                  "the role eu (line 3, effect allow) does not have the connection acme",
                  "the role users (line 4, effect allow) does not have the subject x@x.example",
                  "the role no-prod (line 7, effect deny) does not have the connection acme",
                  "the role no-boss (line 8, effect deny) does not have the subject x@x.example",
                  "1 role without this identity"));
}

TEST(PolicyExplanationTest, NamesTheRoleThatDenies) {
  const PolicyExplanation why =
      Explain(Policy(kPolicy), {"cn:a", "prod-1", Operation::kSign, "boss@x.example"});
  EXPECT_FALSE(why.allowed);
  EXPECT_EQ(why.role, "no-prod");
  EXPECT_EQ(why.line, 7);
  EXPECT_EQ(why.summary, "denied by the role no-prod (line 7, effect deny)");
  EXPECT_THAT(why.Text(),
              HasSubstr("\nthe role all (line 5, effect allow) would allow it, but what "
                        "no-prod denies no other role can allow\n"));
  EXPECT_THAT(why.Text(),
              HasSubstr("\nthe role no-boss (line 8, effect deny) denies it as well, but "
                        "no-prod comes first\n"));
}

TEST(PolicyExplanationTest, SaysThatNoRoleAllows) {
  const PolicyExplanation why = Explain(Policy(kPolicy), {"cn:c", "acme", Operation::kView});
  EXPECT_FALSE(why.allowed);
  EXPECT_EQ(why.role, "");
  EXPECT_EQ(why.line, 0);
  EXPECT_EQ(why.summary, "denied: no role allows it, and what no role allows is denied");
  EXPECT_THAT(Explain(Policy(""), {"cn:c", "acme", Operation::kView}).others, IsEmpty());
}

TEST(PolicyExplanationTest, SaysThatOnlySomeSubjectsAreMeant) {
  const PolicyExplanation why = Explain(Policy(kPolicy), {"cn:a", "acme", Operation::kSign});
  EXPECT_EQ(why.role, "users");
  EXPECT_THAT(why.summary, HasSubstr("for some subjects only"));
  EXPECT_THAT(why.Text(), HasSubstr("the role no-boss (line 8, effect deny) denies some subjects "
                                    "only, and none was given"));
}

TEST(PolicyExplanationTest, SpeaksOfSomeRolesOnly) {
  std::string yaml = "roles:\n";
  for (int i = 0; i < 60; ++i) {
    absl::StrAppend(&yaml, "  - {name: r", i, ", identities: [\"cn:a\"], connections: [c", i,
                    "], operations: [sign]}\n");
  }
  const PolicyExplanation why = Explain(Policy(yaml), {"cn:a", "c59", Operation::kSign});
  EXPECT_EQ(why.role, "r59");
  ASSERT_THAT(why.others, SizeIs(51));
  EXPECT_EQ(why.others.back(), "9 roles more with this identity, which decide nothing here");
}

TEST(PolicyExplanationTest, ChecksWhatIsAsked) {
  const auto said = [](absl::string_view identity, absl::string_view connection,
                       absl::string_view operation, absl::string_view subject) {
    const absl::Status status = AccessOf(identity, connection, operation, subject).status();
    EXPECT_TRUE(status.ok() || ReasonOf(status) == "REQUEST_INVALID");
    return std::string(status.message());
  };
  EXPECT_EQ(said("cn:a", "acme", "sign", ""), "");
  EXPECT_EQ(said("cn:a", "acme", "exchange", "a@x"), "");
  EXPECT_THAT(said("a", "acme", "sign", ""), HasSubstr("identity: "));
  EXPECT_THAT(said("cn:a", "../x", "sign", ""), HasSubstr("connection: "));
  EXPECT_THAT(said("cn:a", "", "sign", ""), HasSubstr("connection: "));
  EXPECT_THAT(said("cn:a", "acme", "sgn", ""), HasSubstr("(did you mean sign?)"));
  EXPECT_THAT(said("cn:a", "acme", "view", "a@x"), HasSubstr("only sign and exchange do"));
  EXPECT_THAT(said("cn:a", "acme", "sign", " x"), HasSubstr("subject: "));
  EXPECT_EQ(AccessOf("cn:a", "acme", "sign", "")->subject, std::nullopt);
  EXPECT_EQ(AccessOf("cn:a", "acme", "sign", "u@x")->subject, "u@x");
}

}  // namespace
}  // namespace keyward::signer
