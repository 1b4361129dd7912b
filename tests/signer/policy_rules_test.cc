// Roles that deny, subjects, quotas and approvals of a policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error.h"
#include "signer/authorization_policy.h"

namespace keyward::signer {
namespace {

using ::testing::HasSubstr;

AuthorizationPolicy Policy(absl::string_view yaml) {
  auto policy = AuthorizationPolicy::Parse(yaml, "policy.yaml");
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *std::move(policy);
}

std::string Mistakes(absl::string_view yaml) {
  return std::string(AuthorizationPolicy::Parse(yaml, "policy.yaml").status().message());
}

constexpr char kPolicy[] = R"(
roles:
  - name: dev
    identities: ["spiffe://a/dev/*", "cn:dev"]
    connections: ["*"]
    operations: [sign, view, exchange]
  - name: no-prod
    effect: deny
    identities: ["spiffe://a/dev/*"]
    connections: ["prod-*"]
    operations: [sign]
  - name: locked-out
    effect: deny
    identities: ["spiffe://a/dev/mallory"]
    connections: ["*"]
    operations: ["*"]
  - name: everybody
    effect: deny
    identities: ["*"]
    connections: [closed]
    operations: [sign, manage-connections]
  - name: ops
    identities: ["cn:ops"]
    connections: ["*"]
    operations: [manage-connections, destroy, read-audit]
  - name: some-audit
    identities: ["cn:auditor"]
    connections: ["eu-*", closed]
    operations: [read-audit, manage-connections]
  - name: integration
    identities: ["cn:robot"]
    connections: [acme]
    operations: [sign, exchange]
    subjects: ["robot@acme.example", "*.it@acme.example"]
  - name: not-the-boss
    effect: deny
    identities: ["*"]
    connections: ["*"]
    operations: [sign, exchange]
    subjects: ["boss.it@acme.example"]
)";

TEST(PolicyRulesTest, ADenyWinsOverEveryAllow) {
  const AuthorizationPolicy policy = Policy(kPolicy);
  struct Case {
    const char* identity;
    const char* connection;
    Operation operation;
    const char* reason;
    const char* role;
  };
  for (const Case& c : std::vector<Case>{
           {"spiffe://a/dev/x", "acme", Operation::kSign, "", "dev"},
           {"spiffe://a/dev/x", "prod-1", Operation::kSign, "DENIED_BY_ROLE", "no-prod"},
           {"spiffe://a/dev/x", "prod-1", Operation::kView, "", "dev"},
           {"spiffe://a/dev/x", "closed", Operation::kSign, "DENIED_BY_ROLE", "everybody"},
           {"spiffe://a/dev/mallory", "acme", Operation::kView, "DENIED_BY_ROLE", "locked-out"},
           // The first in the file, also where the other is found by the exact name.
           {"spiffe://a/dev/mallory", "prod-1", Operation::kSign, "DENIED_BY_ROLE", "no-prod"},
           {"spiffe://a/dev/mallory", "closed", Operation::kSign, "DENIED_BY_ROLE", "locked-out"},
           {"cn:dev", "prod-1", Operation::kSign, "", "dev"},
           {"cn:ops", "closed", Operation::kManageConnections, "DENIED_BY_ROLE", "everybody"},
           {"cn:ops", "closed", Operation::kDestroy, "", "ops"},
           {"cn:nobody", "closed", Operation::kSign, "DENIED_BY_ROLE", "everybody"},
           {"cn:nobody", "acme", Operation::kSign, "NOT_ALLOWED", ""},
           {"cn:ops", "acme", Operation::kActivate, "NOT_ALLOWED", ""},
       }) {
    SCOPED_TRACE(testing::Message() << c.identity << " " << c.connection);
    const Decision decision = policy.Decide({c.identity, c.connection, c.operation});
    EXPECT_EQ(ReasonOf(decision.status).value_or(""), c.reason);
    EXPECT_EQ(decision.role, c.role);
    EXPECT_EQ(policy.Allows(c.identity, c.connection, c.operation), *c.reason == '\0');
  }
  EXPECT_EQ(policy.Decide({"spiffe://a/dev/x", "prod-1", Operation::kSign}).status.message(),
            "the role no-prod denies spiffe://a/dev/x the operation sign on the connection "
            "\"prod-1\": no other role can allow it; ask the operator whether that role of the "
            "policy is meant for this");
}

TEST(PolicyRulesTest, SubjectsCountOnceTheyAreKnown) {
  const AuthorizationPolicy policy = Policy(kPolicy);
  const auto decide = [&](absl::string_view identity, absl::string_view subject) {
    const Decision decision = policy.Decide({identity, "acme", Operation::kExchange, subject});
    return absl::StrCat(ReasonOf(decision.status).value_or("OK"), " ", decision.role);
  };
  EXPECT_EQ(decide("cn:robot", "robot@acme.example"), "OK integration");
  EXPECT_EQ(decide("cn:robot", "a.it@acme.example"), "OK integration");
  EXPECT_EQ(decide("cn:robot", ".it@acme.example"), "NOT_ALLOWED ");
  EXPECT_EQ(decide("cn:robot", "other@acme.example"), "NOT_ALLOWED ");
  EXPECT_EQ(decide("cn:robot", "a.it@acme.example.evil"), "NOT_ALLOWED ");
  EXPECT_EQ(decide("cn:robot", "boss.it@acme.example"), "DENIED_BY_ROLE not-the-boss");
  EXPECT_EQ(decide("cn:dev", "boss.it@acme.example"), "DENIED_BY_ROLE not-the-boss");
  EXPECT_EQ(decide("cn:dev", "whoever@else.example"), "OK dev");
  // An empty subject is one, and none of these.
  EXPECT_EQ(decide("cn:robot", ""), "NOT_ALLOWED ");
  // Without: for some subject.
  EXPECT_TRUE(policy.Decide({"cn:robot", "acme", Operation::kExchange}).status.ok());
  EXPECT_THAT(policy.Decide({"cn:robot", "acme", Operation::kSign, "x@y"}).status.message(),
              HasSubstr("on the connection \"acme\" for the subject \"x@y\": ask"));
}

TEST(PolicyRulesTest, AnswersForAllConnectionsAndForAny) {
  const AuthorizationPolicy policy = Policy(kPolicy);
  EXPECT_EQ(policy.DecideForAll("cn:ops", Operation::kReadAudit).role, "ops");
  EXPECT_TRUE(policy.DecideForAll("cn:ops", Operation::kReadAudit).status.ok());
  // For `closed` it is denied.
  const Decision denied = policy.DecideForAll("cn:ops", Operation::kManageConnections);
  EXPECT_EQ(ReasonOf(denied.status), "DENIED_BY_ROLE");
  EXPECT_EQ(denied.role, "everybody");
  EXPECT_EQ(ReasonOf(policy.DecideForAll("cn:auditor", Operation::kReadAudit).status),
            "NOT_ALLOWED");
  // Some subjects are not all of it.
  EXPECT_EQ(ReasonOf(policy.DecideForAll("cn:dev", Operation::kExchange).status), "DENIED_BY_ROLE");

  EXPECT_TRUE(policy.AllowsAny("cn:auditor", Operation::kReadAudit));
  EXPECT_TRUE(policy.AllowsAny("cn:auditor", Operation::kManageConnections));
  EXPECT_TRUE(policy.AllowsAny("cn:robot", Operation::kSign));
  EXPECT_FALSE(policy.AllowsAny("cn:auditor", Operation::kSign));
  EXPECT_FALSE(policy.AllowsAny("spiffe://a/dev/mallory", Operation::kView));
  EXPECT_FALSE(policy.AllowsAny("cn:nobody", Operation::kView));
  EXPECT_FALSE(Policy(R"(
roles:
  - {name: a, identities: ["cn:a"], connections: [acme, eu-1], operations: [view]}
  - {name: b, effect: deny, identities: ["*"], connections: [acme], operations: [view]}
  - {name: c, effect: deny, identities: ["cn:a"], connections: ["eu-*"], operations: ["*"]}
)")
                   .AllowsAny("cn:a", Operation::kView));
}

TEST(PolicyRulesTest, TheFirstQuotaThatMatchesCounts) {
  const AuthorizationPolicy policy = Policy(R"(
quotas:
  - {name: one, identities: ["cn:a", "spiffe://a/x/*"], per_second: 0.5, burst: 1}
  - {name: acme, connections: [acme, "eu-*"], per_second: 20, burst: 40}
  - {name: rest, identities: ["*"], per_second: 100000, burst: 100000}
)");
  const Quota* one = policy.QuotaOfIdentity("cn:a");
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(one->name, "one");
  EXPECT_EQ(one->per_second, 0.5);
  EXPECT_EQ(one->burst, 1);
  EXPECT_EQ(policy.QuotaOfIdentity("spiffe://a/x/y"), one);
  ASSERT_NE(policy.QuotaOfIdentity("cn:b"), nullptr);
  EXPECT_EQ(policy.QuotaOfIdentity("cn:b")->name, "rest");
  ASSERT_NE(policy.QuotaOfConnection("eu-1"), nullptr);
  EXPECT_EQ(policy.QuotaOfConnection("eu-1")->name, "acme");
  EXPECT_EQ(policy.QuotaOfConnection("us"), nullptr);
  EXPECT_EQ(Policy("").QuotaOfIdentity("cn:a"), nullptr);
}

TEST(PolicyRulesTest, ReadsApprovals) {
  const AuthorizationPolicy policy =
      Policy("approvals:\n  required: [destroy, thaw]\n  lifetime_minutes: 10\n");
  EXPECT_TRUE(policy.NeedsApproval(Change::kDestroy));
  EXPECT_TRUE(policy.NeedsApproval(Change::kThaw));
  EXPECT_FALSE(policy.NeedsApproval(Change::kAdopt));
  EXPECT_EQ(policy.approval_lifetime(), absl::Minutes(10));
  for (const absl::string_view name : kChangeNames) {
    EXPECT_FALSE(Policy("").NeedsApproval(*ChangeOf(name)));
    EXPECT_EQ(ChangeName(*ChangeOf(name)), name);
  }
  EXPECT_EQ(Policy("approvals: {required: [adopt]}").approval_lifetime(), absl::Hours(24));
}

TEST(PolicyRulesTest, KnowsTheDigestOfItsFile) {
  EXPECT_EQ(Policy("").sha256(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_NE(Policy("# x\n").sha256(), Policy("").sha256());
}

TEST(PolicyRulesTest, NamesEveryMistakeAtOnce) {
  EXPECT_EQ(
      Mistakes(R"(roles:
  - name: one
    effect: denny
    identities: ["*"]
    connections: ["*"]
    operations: ["*"]
  - name: two
    effect: deny
    identities: ["cn:a"]
    connections: ["*"]
    operations: [sign, view]
    subjects: [" x", "a*@b.example"]
  - name: three
    identities: ["cn:a"]
    connections: ["*"]
    operations: [sign]
    subject: [x]
    subjects: []
quotas:
  - {name: a, identities: ["cn:a"], connections: ["*"], per_second: 1, burst: 1}
  - {name: a, per_second: 0, burst: 0}
  - {name: b, identities: ["cn:a"], per_second: 1e9, burst: 1.5}
  - {name: c, connections: ["A"], per_second: "1", burst: 100001, rate: 1}
approvals:
  required: [destroi, thaw]
  lifetime_minutes: 4
approval: {}
)"),
      R"(policy.yaml:3: roles[0].effect: "denny" is no effect: must be allow or deny (did you mean deny?)
policy.yaml:4: roles[0].identities[0]: "*" stands for everybody, which only a role with the effect deny may name
policy.yaml:6: roles[0].operations[0]: "*" stands for every operation, which only a role with the effect deny may name
policy.yaml:12: roles[1].subjects[0]: " x": must be a Salesforce user name of at most 255 bytes, without a space at either end
policy.yaml:12: roles[1].subjects: a role with subjects may have the operations sign and exchange only, has "view": no other is about a subject; write a role of its own for it
policy.yaml:17: roles[2].subject: unknown key (did you mean subjects?)
policy.yaml:18: roles[2].subjects: must name at least one: Salesforce users, or *@domain
policy.yaml:20: quotas[0]: must name identities or connections, one of them, for whom it counts
policy.yaml:21: quotas[1].name: another quota has the name "a", in line 20
policy.yaml:21: quotas[1]: must name identities or connections, one of them, for whom it counts
policy.yaml:21: quotas[1].per_second: must be 0.01..100000, is 0
policy.yaml:21: quotas[1].burst: must be 1..100000, is 0
policy.yaml:22: quotas[2].per_second: must be 0.01..100000, is no number of that range
policy.yaml:22: quotas[2].burst: must be 1..100000, is no number of that range
policy.yaml:23: quotas[3].rate: unknown key
policy.yaml:23: quotas[3].connections[0]: "A": a connection's name must be 1 to 63 lower-case letters, digits and hyphens, without a hyphen at either end
policy.yaml:23: quotas[3].per_second: must be 0.01..100000, is no number of that range
policy.yaml:23: quotas[3].burst: must be 1..100000, is 100001
policy.yaml:25: approvals.required[0]: "destroi" is no change that needs approval: must be destroy, adopt, activate, consumer-key, audiences, login-host, subjects or thaw (did you mean destroy?)
policy.yaml:26: approvals.lifetime_minutes: must be 5..10080, is 4
policy.yaml:27: approval: unknown key (did you mean approvals?))");
}

TEST(PolicyRulesTest, SubjectPatternsNeedALiteralDomain) {
  const auto role = [](absl::string_view subject) {
    return absl::StrCat("roles: [{name: r, identities: [\"cn:a\"], connections: [a], operations: ",
                        "[sign], subjects: [\"", subject, "\"]}]");
  };
  for (const char* subject : {"u@x.example", "*@x.example", "a*b@x.example", "no-at"}) {
    EXPECT_EQ(Mistakes(role(subject)), "") << subject;
  }
  for (const char* subject : {"*", "a*", "u@*", "u@*.example", "**@x.example", "*@*.example"}) {
    EXPECT_THAT(Mistakes(role(subject)), HasSubstr("roles[0].subjects[0]: ")) << subject;
  }
}

TEST(PolicyRulesTest, HasLimits) {
  const auto roles = [](size_t count) {
    std::string yaml = "roles:\n";
    for (size_t i = 0; i < count; ++i) {
      absl::StrAppend(&yaml, "  - {name: r", i, ", identities: [\"cn:", i,
                      "\"], connections: [acme], operations: [sign]}\n");
    }
    return yaml;
  };
  EXPECT_EQ(Policy(roles(kMaxRoles)).role_count(), kMaxRoles);
  EXPECT_EQ(Mistakes(roles(kMaxRoles + 1)), "policy.yaml:2: roles: must be at most 1000 roles");
  const auto quotas = [](size_t count) {
    std::string yaml = "quotas:\n";
    for (size_t i = 0; i < count; ++i) {
      absl::StrAppend(&yaml, "  - {name: q", i, ", identities: [\"cn:", i,
                      "\"], per_second: 1, burst: 1}\n");
    }
    return yaml;
  };
  EXPECT_EQ(Policy(quotas(kMaxQuotas)).quotas().size(), kMaxQuotas);
  EXPECT_THAT(Mistakes(quotas(kMaxQuotas + 1)), HasSubstr("must be at most 100 quotas"));
  EXPECT_THAT(Mistakes("roles: [{name: " + std::string(101, 'x') + "}]"),
              HasSubstr("roles[0].name: must be at most 100 bytes long"));
}

TEST(PolicyRulesTest, NamesEveryOperation) {
  for (const absl::string_view name : kOperationNames) {
    EXPECT_EQ(OperationName(*OperationOf(name)), name);
    EXPECT_TRUE(Policy(absl::StrCat("roles: [{name: r, identities: [\"cn:a\"], connections: [a], "
                                    "operations: [",
                                    name, "]}]"))
                    .Allows("cn:a", "a", *OperationOf(name)));
  }
  EXPECT_EQ(OperationOf("Sign"), std::nullopt);
}

// Salesforce takes all of these for one user.
TEST(PolicyRulesTest, ARoleThatDeniesAUserDeniesEverySpellingOfIt) {
  const AuthorizationPolicy policy = Policy(R"(
roles:
  - {name: all, identities: ["cn:a"], connections: ["*"], operations: [sign]}
  - {name: no-boss, effect: deny, identities: ["*"], connections: ["*"], operations: [sign], subjects: ["Boss@acme.example", "*.it@acme.example"]}
)");
  const auto decide = [&](absl::string_view subject) {
    return ReasonOf(policy.Decide({"cn:a", "acme", Operation::kSign, subject}).status)
        .value_or("OK");
  };
  for (const char* subject : {"Boss@acme.example", "boss@acme.example", "BOSS@ACME.EXAMPLE",
                              "x.it@acme.example", "X.IT@Acme.example"}) {
    EXPECT_EQ(decide(subject), "DENIED_BY_ROLE") << subject;
  }
  EXPECT_EQ(decide("user@acme.example"), "OK");
}

}  // namespace
}  // namespace keyward::signer
