// keyward-exchange's policy: subjects, roles that deny, and a changed file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "tests/e2e_exchange/exchange_system.h"
#include "tests/testing/code_and_reason.h"

namespace keyward::e2e {
namespace {

using testing::CodeAndReason;
using ::testing::HasSubstr;

constexpr char kRefused[] = "PERMISSION_DENIED NOT_ALLOWED";
constexpr char kDenied[] = "PERMISSION_DENIED DENIED_BY_ROLE";
constexpr char kOperators[] = R"(roles:
  - name: operators
    identities: ["spiffe://keyward.example/operator"]
    connections: ["*"]
    operations: [exchange]
)";

class ExchangePolicyTest : public ::testing::Test {
 protected:
  // The signer keeps the file that it was started with.
  void SetPolicy(absl::string_view roles) {
    system_.signer().Write("exchange-policy.yaml", absl::StrCat(kOperators, roles));
  }

  void Start() {
    system_.WriteConfig(testing::Replaced(system_.DefaultConfig(), "policy: policy.yaml",
                                          "policy: exchange-policy.yaml"));
    if (!system_.Start()) FAIL() << system_.daemon().Output();
  }

  std::string Exchange(const std::string& identity, const std::string& connection,
                       const std::string& subject = "", const std::string& rejected = "") const {
    client::ExchangeOptions options;
    options.subject = subject;
    options.rejected = Secret(std::string(rejected));
    options.deadline = absl::Now() + kPatience;
    const auto token = system_.Client(identity)->Exchange(connection, options);
    return token.ok() ? std::string(token->granted.token.Expose()) : CodeAndReason(token.status());
  }

  bool ComesTrue(const std::function<bool()>& holds, absl::Duration patience = kPatience) const {
    const absl::Time end = absl::Now() + patience;
    while (!holds()) {
      if (absl::Now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
  }

  ExchangeSystem system_;
};

TEST_F(ExchangePolicyTest, NobodyGetsATokenOfASubjectThatIsNotTheirs) {
  SetPolicy(R"(
  - name: one-user
    identities: ["spiffe://keyward.example/backend"]
    connections: ["*"]
    operations: [exchange]
    subjects: ["other@example.com", "*.robot@example.com"]
)");
  system_.AddConnection("two", {kUser, "other@example.com"});
  system_.AddConnection("theirs", {"other@example.com"});
  Start();
  const int logins = system_.LoginAttempts();
  // Neither named nor left open, and before there is anything in the cache.
  EXPECT_EQ(Exchange("backend", "acme", kUser), kRefused);
  EXPECT_EQ(Exchange("backend", "acme"), kRefused);
  EXPECT_EQ(system_.LoginAttempts(), logins);
  // Nor out of the cache.
  const std::string token = Exchange("operator", "acme");
  EXPECT_EQ(Exchange("backend", "acme", kUser), kRefused);
  EXPECT_EQ(Exchange("backend", "acme"), kRefused);
  // Nor may they drop it.
  EXPECT_EQ(Exchange("backend", "acme", "", token), kRefused);
  EXPECT_EQ(Exchange("operator", "acme"), token);

  EXPECT_EQ(Exchange("backend", "two", kUser), kRefused);
  EXPECT_THAT(Exchange("backend", "two", "other@example.com"), HasSubstr("00D"));
  EXPECT_THAT(Exchange("backend", "theirs"), HasSubstr("00D"));
  const absl::Status test = system_.Client("backend")->TestConnection("acme").status();
  EXPECT_EQ(CodeAndReason(test), kRefused);
  EXPECT_EQ(test.message().find(kUser), std::string::npos) << test;
}

TEST_F(ExchangePolicyTest, AChangedPolicyGrantsAndTakesAwayWithoutARestart) {
  SetPolicy("");
  Start();
  EXPECT_EQ(Exchange("backend", "acme"), kRefused);
  constexpr char kBackends[] = R"(
  - name: backends
    identities: ["spiffe://keyward.example/backend"]
    connections: [acme]
    operations: [exchange]
)";
  SetPolicy(kBackends);
  EXPECT_TRUE(ComesTrue([&] { return Exchange("backend", "acme") != kRefused; }));
  EXPECT_TRUE(system_.daemon().WaitForOutput("policy: 2 roles are in use"));

  SetPolicy("\n  - nonsense\n");
  EXPECT_TRUE(system_.daemon().WaitForOutput("policy: the changed file is not used"));
  EXPECT_THAT(Exchange("backend", "acme"), HasSubstr("00D"));

  // Out of the cache, too.
  SetPolicy(absl::StrCat(kBackends, R"(
  - name: nobody
    effect: deny
    identities: ["spiffe://keyward.example/*"]
    connections: ["ac*"]
    operations: ["*"]
)"));
  EXPECT_TRUE(ComesTrue([&] { return Exchange("backend", "acme") == kDenied; }));
  EXPECT_TRUE(
      system_.daemon().WaitForOutput("the role backends allows nothing: the role nobody in line"));
}

// Its settings are looked at again a minute after they were, so this takes that long.
TEST_F(ExchangePolicyTest, TheEmergencyFreezeTakesBackTokensThatAreKept) {
  SetPolicy("");
  Start();
  EXPECT_THAT(Exchange("operator", "acme"), HasSubstr("00D"));
  const int logins = system_.Logins();
  const auto set = [&](const std::string& verb) {
    return system_.signer().Keyward({"connection", verb, "--all", "--yes"}).exit_code;
  };
  ASSERT_EQ(set("freeze"), 0);
  EXPECT_TRUE(ComesTrue(
      [&] { return Exchange("operator", "acme") == "FAILED_PRECONDITION EMERGENCY_FREEZE"; },
      3 * kPatience));
  EXPECT_EQ(system_.Logins(), logins);
  ASSERT_EQ(set("thaw"), 0);
  EXPECT_TRUE(ComesTrue([&] { return Exchange("operator", "acme").find("00D") == 0; }));
}

}  // namespace
}  // namespace keyward::e2e
