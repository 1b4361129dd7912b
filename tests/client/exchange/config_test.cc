#include "client/exchange/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/testing/signer_process.h"

namespace keyward::exchange {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Replaced;

constexpr char kLeast[] = R"(listen: 127.0.0.1:7444
tls: {certificate: a.pem, private_key: a.key, client_ca: /etc/ca.pem}
policy: policy.yaml
signer:
  addresses: ["one:7443", "two:7443"]
  ca: ca.pem
  certificate: c.pem
  private_key: c.key
)";

ExchangeConfig Parsed(const std::string& yaml) {
  absl::StatusOr<ExchangeConfig> config = ParseConfig(yaml, "/etc/keyward/exchange.yaml");
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *std::move(config) : ExchangeConfig();
}

std::string Mistakes(const std::string& yaml) {
  return std::string(ParseConfig(yaml, "exchange.yaml").status().message());
}

TEST(ExchangeConfigTest, TheLeastThatIsNeeded) {
  const ExchangeConfig config = Parsed(kLeast);
  EXPECT_EQ(config.listen, "127.0.0.1:7444");
  EXPECT_EQ(config.tls.certificate, "/etc/keyward/a.pem");
  EXPECT_EQ(config.tls.client_ca, "/etc/ca.pem");
  EXPECT_EQ(config.policy, "/etc/keyward/policy.yaml");
  EXPECT_THAT(config.signer.signers, ElementsAre("one:7443", "two:7443"));
  EXPECT_TRUE(config.signer.watch_health);
  EXPECT_EQ(config.signer.private_key_file, "/etc/keyward/c.key");
  // The environment's proxy variables do not count.
  EXPECT_EQ(config.https.proxy, "");
  EXPECT_EQ(config.login_hosts.allowed, client::DefaultLoginHosts());
  EXPECT_TRUE(config.login_hosts.private_hosts.empty());
  EXPECT_TRUE(config.unix_socket.socket.path.empty());
  EXPECT_TRUE(config.monitoring.listen.empty());
}

TEST(ExchangeConfigTest, EverySetting) {
  const ExchangeConfig config = Parsed(absl::StrCat(kLeast, R"(unix_socket:
  path: run/exchange.sock
  identity: dns:billing.example
  mode: "0660"
https:
  ca: roots.pem
  proxy: http://proxy:3128
  login_hosts: ["*.my.salesforce.com"]
  private_login_hosts: [localhost]
  connect_timeout_seconds: 2
  timeout_seconds: 9
tokens: {entries: 5, lifetime_seconds: 900, remember_refusals_seconds: 7, waiting: 3}
logins: {at_once: 4, per_hour: 3000, burst: 599}
monitoring: {listen: "127.0.0.1:9465"}
identity: {kinds: [cn]}
)"));
  EXPECT_TRUE(config.identity_kinds.common_name);
  EXPECT_FALSE(config.identity_kinds.spiffe || config.identity_kinds.dns);
  EXPECT_EQ(config.unix_socket.socket.path, "/etc/keyward/run/exchange.sock");
  EXPECT_EQ(config.unix_socket.socket.mode, 0660U);
  EXPECT_EQ(config.unix_socket.identity, "dns:billing.example");
  EXPECT_EQ(config.https.ca_file, "/etc/keyward/roots.pem");
  EXPECT_EQ(config.https.proxy, "http://proxy:3128");
  EXPECT_THAT(config.login_hosts.allowed, ElementsAre("*.my.salesforce.com"));
  EXPECT_THAT(config.login_hosts.private_hosts, ElementsAre("localhost"));
  EXPECT_EQ(config.https.connect_timeout, absl::Seconds(2));
  EXPECT_EQ(config.https.total_timeout, absl::Seconds(9));
  EXPECT_EQ(config.tokens.max_entries, 5U);
  EXPECT_EQ(config.tokens.token_lifetime, absl::Minutes(15));
  EXPECT_EQ(config.tokens.refusal_memory, absl::Seconds(7));
  EXPECT_EQ(config.tokens.max_waiting, 3U);
  EXPECT_EQ(config.logins_at_once, 4);
  EXPECT_EQ(config.budget.per_hour, 3000);
  EXPECT_EQ(config.budget.burst, 599);
  EXPECT_EQ(config.monitoring.listen, "127.0.0.1:9465");
}

TEST(ExchangeConfigTest, ASocketAloneNeedsNoTls) {
  const std::string least(kLeast);
  const std::string socket = absl::StrCat("unix_socket: {path: s, identity: cn:billing}\n",
                                          least.substr(least.find("policy:")));
  EXPECT_TRUE(Parsed(socket).listen.empty());
  EXPECT_THAT(Mistakes(absl::StrCat("tls: {}\n", socket)),
              HasSubstr("exchange.yaml:1: tls: is for `listen`, which is not there"));
}

TEST(ExchangeConfigTest, EveryMistakeIsNamedWithItsPlace) {
  const std::string mistakes = Mistakes(absl::StrCat(
      Replaced(kLeast, R"(addresses: ["one:7443", "two:7443"])", "addresses: []"), R"(unix_socket:
  path: s
  identity: billing
  mode: "0666"
tokens: {entries: 0, lifetime_seconds: 59, colour: red}
logins: {per_hour: 3600}
monitoring: {listen: "0.0.0.0:9465"}
)"));
  for (const char* line : {"exchange.yaml:5: signer.addresses: must name at least one signer",
                           "exchange.yaml:11: unix_socket.identity: ",
                           "exchange.yaml:12: unix_socket.mode: must give others no access",
                           "exchange.yaml:13: tokens.colour: unknown key",
                           "exchange.yaml:14: logins.per_hour: must be 1..3599, is 3600",
                           "exchange.yaml:15: monitoring.listen: must be a loopback address"}) {
    EXPECT_THAT(mistakes, HasSubstr(line));
  }
}

TEST(ExchangeConfigTest, TheSocketsModeIsFourOctalDigits) {
  for (const char* mode : {"660", "0o660", "0888", "rw--", "\"06600\""}) {
    EXPECT_THAT(Mistakes(absl::StrCat(kLeast, "unix_socket: {path: s, identity: cn:a, mode: ", mode,
                                      "}\n")),
                HasSubstr("unix_socket.mode: must be four octal digits"))
        << mode;
  }
}

TEST(ExchangeConfigTest, BudgetsLeaveSalesforcesLimitAlone) {
  EXPECT_THAT(Mistakes(absl::StrCat(kLeast, "logins: {per_hour: 3540}\n")),
              HasSubstr("logins: per_hour and burst must be 3599 together at most"));
}

TEST(ExchangeConfigTest, LimitsOfConnections) {
  EXPECT_EQ(Parsed(kLeast).connections.connections, 2000);
  const ExchangeConfig config =
      Parsed(absl::StrCat(kLeast, "limits: {connections: 60000, connections_per_address: 5}\n"));
  EXPECT_EQ(config.connections.connections, 60000);
  EXPECT_EQ(config.connections.connections_per_address, 5);
  EXPECT_THAT(Mistakes(absl::StrCat(kLeast, "limits: {connections: 9}\n")),
              HasSubstr("must be 10..60000, is 9"));
}

}  // namespace
}  // namespace keyward::exchange
