#include "signer/authorization_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"

namespace keyward::signer {
namespace {

using ::testing::HasSubstr;

constexpr char kPolicy[] = R"(
roles:
  - name: billing
    identities: ["spiffe://keyward.example/billing/*", "dns:*.svc.example", "cn:operator"]
    connections: ["acme", "eu-*"]
    operations: [sign, view]
  - name: admin
    identities: ["cn:operator", "spiffe://keyward.example/billing/admin"]
    connections: ["*"]
    operations: [manage-connections, view]
  - name: keys
    identities: ["cn:keys"]
    connections: ["eu-*"]
    operations: [rotate, adopt]
)";

AuthorizationPolicy Policy(absl::string_view yaml = kPolicy) {
  auto policy = AuthorizationPolicy::Parse(yaml, "policy.yaml");
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *std::move(policy);
}

std::string Mistakes(absl::string_view yaml) {
  return std::string(AuthorizationPolicy::Parse(yaml, "policy.yaml").status().message());
}

TEST(AuthorizationPolicyTest, AllowsByExactIdentityAndByWildcard) {
  const AuthorizationPolicy policy = Policy();
  struct Case {
    const char* identity;
    const char* connection;
    Operation operation;
    const char* role;
  };
  for (const Case& c : std::vector<Case>{
           {"cn:operator", "acme", Operation::kSign, "billing"},
           {"cn:operator", "eu-1", Operation::kSign, "billing"},
           {"cn:operator", "eu-", Operation::kSign, "billing"},
           {"cn:operator", "acme", Operation::kView, "billing"},
           {"cn:operator", "other", Operation::kView, "admin"},
           {"cn:operator", "acme", Operation::kManageConnections, "admin"},
           {"spiffe://keyward.example/billing/x", "acme", Operation::kSign, "billing"},
           {"spiffe://keyward.example/billing/admin", "acme", Operation::kSign, "billing"},
           {"spiffe://keyward.example/billing/admin", "acme", Operation::kView, "billing"},
           {"spiffe://keyward.example/billing/admin", "z", Operation::kManageConnections, "admin"},
           {"dns:a.svc.example", "acme", Operation::kView, "billing"},
           {"cn:keys", "eu-1", Operation::kRotate, "keys"},
           {"cn:keys", "eu-1", Operation::kAdopt, "keys"},
           // Denied:
           {"cn:operator", "acme", Operation::kRotate, ""},
           {"cn:operator", "acme", Operation::kAdopt, ""},
           {"cn:keys", "eu-1", Operation::kView, ""},
           {"cn:operator", "acme2", Operation::kSign, ""},
           {"cn:operator", "eu", Operation::kSign, ""},
           {"cn:operator", "aeu-1", Operation::kSign, ""},
           {"cn:operator", "", Operation::kSign, ""},
           {"cn:Operator", "acme", Operation::kSign, ""},
           {"cn:operator2", "acme", Operation::kSign, ""},
           {"dns:operator", "acme", Operation::kSign, ""},
           {"operator", "acme", Operation::kSign, ""},
           {"", "acme", Operation::kSign, ""},
           {"spiffe://keyward.example/billing/x", "acme", Operation::kManageConnections, ""},
           {"spiffe://keyward.example/billing", "acme", Operation::kSign, ""},
           {"spiffe://keyward.example/billing/x/y", "acme", Operation::kSign, ""},
           {"spiffe://keyward.example/other/x", "acme", Operation::kSign, ""},
           {"spiffe://keyward.example/x", "acme", Operation::kSign, ""},
           {"spiffe://evil.example/billing/x", "acme", Operation::kSign, ""},
           {"cn:spiffe://keyward.example/billing/x", "acme", Operation::kSign, ""},
           {"dns:svc.example", "acme", Operation::kSign, ""},
           {"dns:a.b.svc.example", "acme", Operation::kSign, ""},
           {"dns:asvc.example", "acme", Operation::kSign, ""},
           {"cn:a.svc.example", "acme", Operation::kSign, ""},
       }) {
    const Decision decision = policy.Decide({c.identity, c.connection, c.operation});
    SCOPED_TRACE(testing::Message() << c.identity << " " << c.connection);
    EXPECT_EQ(decision.role, c.role);
    EXPECT_EQ(decision.status.ok(), *c.role != '\0');
    EXPECT_EQ(policy.Allows(c.identity, c.connection, c.operation), *c.role != '\0');
  }
}

TEST(AuthorizationPolicyTest, ARefusalSaysWhoWhatAndHowToGetIt) {
  const absl::Status status =
      Policy().Decide({"cn:someone", "acme", Operation::kManageConnections}).status;
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(status), "NOT_ALLOWED");
  EXPECT_EQ(status.message(),
            "no role allows cn:someone the operation manage-connections on the connection "
            "\"acme\": ask the operator to add one to the policy of the daemon that was asked");
}

TEST(AuthorizationPolicyTest, ARefusalOfOddNamesStaysShortAndPrintable) {
  const std::string connection = "a\n" + std::string(100000, 'b');
  const std::string message(
      Policy().Decide({"cn:x", connection, Operation::kSign}).status.message());
  EXPECT_LT(message.size(), 300U);
  EXPECT_THAT(message, HasSubstr(R"("a\nbbb)"));
}

TEST(AuthorizationPolicyTest, AnEmptyPolicyDeniesEverything) {
  for (const char* yaml : {"", "# nothing\n", "roles:\n", "roles: []\n", "{}\n"}) {
    const AuthorizationPolicy policy = Policy(yaml);
    EXPECT_EQ(policy.role_count(), 0U);
    EXPECT_EQ(ReasonOf(policy.Decide({"cn:operator", "acme", Operation::kView}).status),
              "NOT_ALLOWED");
  }
}

std::string PolicyWith(absl::string_view identity, absl::string_view connection) {
  return "roles:\n  - name: r\n    identities: [\"" + std::string(identity) +
         "\"]\n    connections: [\"" + std::string(connection) + "\"]\n    operations: [sign]\n";
}

TEST(AuthorizationPolicyTest, ReadsTheTwoWildcardFormsAndNoOther) {
  for (const char* identity : {"spiffe://a/*", "spiffe://a/b/*", "dns:*.com", "dns:*.a.b", "dns:a",
                               "cn:J\xC3\xBCrgen", "spiffe://a/b"}) {
    EXPECT_TRUE(AuthorizationPolicy::Parse(PolicyWith(identity, "acme"), "p").ok()) << identity;
  }
  for (const char* identity : {"*",
                               "spiffe://*",
                               "spiffe://*/b",
                               "spiffe://a/*/b",
                               "spiffe://a/b*",
                               "spiffe://a/*b",
                               "spiffe://a/**",
                               "spiffe://a/*/*",
                               "spiffe:///*",
                               "spiffe://A/*",
                               "spiffe://a/b/",
                               "dns:*",
                               "dns:*.",
                               "dns:a.*",
                               "dns:a*.b",
                               "dns:*a.b",
                               "dns:*.*.b",
                               "dns:Host.example",
                               "dns:",
                               "cn:*",
                               "cn:",
                               "cn:a*",
                               "operator",
                               "SPIFFE://a/b",
                               "uri:spiffe://a/b",
                               " cn:a"}) {
    EXPECT_THAT(Mistakes(PolicyWith(identity, "acme")),
                HasSubstr("policy.yaml:3: roles[0].identities[0]: "))
        << identity;
  }
}

TEST(AuthorizationPolicyTest, ReadsConnectionsExactlyOrByPrefix) {
  for (const char* connection : {"a", "a-b", "*", "eu*", "eu-*", "0*"}) {
    EXPECT_TRUE(AuthorizationPolicy::Parse(PolicyWith("cn:a", connection), "p").ok()) << connection;
  }
  for (const char* connection :
       {"A", "a_b", "-a", "a-", "*a", "a*b", "**", "eu-**", "-*", "A*", "a/*", "a.b", " a"}) {
    EXPECT_THAT(Mistakes(PolicyWith("cn:a", connection)),
                HasSubstr("policy.yaml:4: roles[0].connections[0]: "))
        << connection;
  }
}

TEST(AuthorizationPolicyTest, NamesEveryMistakeAtOnce) {
  EXPECT_EQ(
      Mistakes(R"(roles:
  - name: one
    identities: [operator]
    connections: ["Acme"]
    operations: [sgn, manage]
  - name: one
    identity: ["cn:a"]
    identities: []
    connections: ["*"]
    operations: sign
  - identities: ["cn:a"]
    connections: ["*"]
    operations: [sign]
    operations: [view]
rules: []
)"),
      "policy.yaml:3: roles[0].identities[0]: \"operator\": an identity begins with "
      "spiffe://, dns: or cn:\n"
      "policy.yaml:4: roles[0].connections[0]: \"Acme\": a connection's name must be 1 to 63 "
      "lower-case letters, digits and hyphens, without a hyphen at either end\n"
      "policy.yaml:5: roles[0].operations[0]: \"sgn\" is no operation: must be sign, view, "
      "manage-connections, rotate, adopt, exchange, activate, disable, destroy or read-audit (did "
      "you mean sign?)\n"
      "policy.yaml:5: roles[0].operations[1]: \"manage\" is no operation: must be sign, view, "
      "manage-connections, rotate, adopt, exchange, activate, disable, destroy or read-audit\n"
      "policy.yaml:6: roles[1].name: another role has the name \"one\", in line 2\n"
      "policy.yaml:7: roles[1].identity: unknown key (did you mean identities?)\n"
      "policy.yaml:8: roles[1].identities: must name at least one: who has this role\n"
      "policy.yaml:10: roles[1].operations: must be a list, is a single value\n"
      "policy.yaml:11: roles[2].name: is missing: what the audit log shows\n"
      "policy.yaml:14: roles[2].operations: is there twice, first in line 13\n"
      "policy.yaml:15: rules: unknown key (did you mean roles?)");
}

TEST(AuthorizationPolicyTest, RefusesOtherShapes) {
  EXPECT_THAT(Mistakes("- a\n"), HasSubstr("policy.yaml:1: must be a mapping"));
  EXPECT_THAT(Mistakes("roles: x\n"), HasSubstr("roles: must be a list"));
  EXPECT_THAT(Mistakes("roles: [x]\n"), HasSubstr("roles[0]: must be a mapping"));
  EXPECT_THAT(Mistakes("roles: [\n"), HasSubstr("not YAML"));
}

}  // namespace
}  // namespace keyward::signer
