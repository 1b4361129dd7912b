// No policy file, however mangled, brings the reader down, and one that it takes answers
// every question.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "signer/authorization_policy.h"
#include "signer/policy_explanation.h"
#include "signer/policy_warnings.h"

namespace keyward::signer {
namespace {

constexpr char kPolicy[] = R"(roles:
  - name: one
    identities: ["spiffe://a/b/*", "cn:a", "dns:*.example.com"]
    connections: ["acme", "eu-*"]
    operations: [sign, exchange]
    subjects: ["*@x.example", u@x]
  - {name: two, effect: deny, identities: ["*"], connections: ["*"], operations: ["*"]}
  - {name: ops, identities: ["cn:ops"], connections: ["*"], operations: [destroy, activate]}
quotas:
  - {name: a, identities: ["cn:a"], per_second: 0.5, burst: 3}
  - {name: b, connections: [acme], per_second: 100, burst: 200}
approvals: {required: [destroy, thaw], lifetime_minutes: 60}
)";
constexpr int kRounds = 20000;

// Bytes that mean something in YAML and in this file.
constexpr absl::string_view kBytes = "\n\t :-[]{}*\"'@#,.&!|>%?0aA/\\\x80\xff\0";

void Mutate(std::string& text, std::mt19937& random) {
  const auto below = [&](size_t end) { return random() % end; };
  for (size_t i = below(4) + 1; i > 0 && !text.empty(); --i) {
    const size_t at = below(text.size());
    switch (below(5)) {
      case 0:
        text[at] = kBytes[below(kBytes.size())];
        break;
      case 1:
        text.erase(at, below(20) + 1);
        break;
      case 2:
        text.insert(at, 1, kBytes[below(kBytes.size())]);
        break;
      case 3:
        text.insert(at, text.substr(below(text.size()), below(60)));
        break;
      default:
        text.resize(at);
    }
  }
}

TEST(PolicyMutationTest, AnswersOrRefusesWhateverIsInTheFile) {
  std::mt19937 random(20260131);
  int taken = 0;
  for (int i = 0; i < kRounds; ++i) {
    std::string yaml = kPolicy;
    Mutate(yaml, random);
    SCOPED_TRACE(yaml);
    const absl::StatusOr<AuthorizationPolicy> policy = AuthorizationPolicy::Parse(yaml, "p");
    if (!policy.ok()) {
      ASSERT_TRUE(absl::IsInvalidArgument(policy.status())) << policy.status();
      ASSERT_EQ(policy.status().message().substr(0, 2), "p:") << policy.status();
      continue;
    }
    ++taken;
    (void)UnusedKindWarnings(*policy, {.spiffe = false}, "p");
    for (const char* identity : {"cn:a", "spiffe://a/b/c", "dns:x.example.com", "", "x"}) {
      for (const char* connection : {"acme", "eu-1", ""}) {
        const Access access{identity, connection, Operation::kSign, "u@x.example"};
        const Decision decision = policy->Decide(access);
        ASSERT_EQ(decision.status.ok(), Explain(*policy, access).allowed);
        // Whoever may it for a subject may it for some.
        if (decision.status.ok()) {
          ASSERT_TRUE(policy->Allows(identity, connection, Operation::kSign));
          ASSERT_TRUE(policy->AllowsAny(identity, Operation::kSign));
        }
        (void)policy->QuotaOfConnection(connection);
      }
      (void)policy->QuotaOfIdentity(identity);
      (void)policy->DecideForAll(identity, Operation::kDestroy);
    }
  }
  // The test is about both.
  EXPECT_GT(taken, kRounds / 100);
}

}  // namespace
}  // namespace keyward::signer
