// `audit.forward` as signer.yaml has it.
#include "signer/audit/sink_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "signer/config.h"

namespace keyward::signer {
namespace {

using ::testing::HasSubstr;

// `forward` is on line 15.
absl::StatusOr<SignerConfig> Parse(absl::string_view forward) {
  return ParseConfig(absl::StrCat(R"(user: keyward
listen: 127.0.0.1:7443
tls:
  certificate: signer.pem
  private_key: signer.key
  client_ca: ca.pem
token:
  module: module.so
  uri: "pkcs11:token=keyward-demo"
  pin: {file: pin}
registry: {sqlite: registry.db}
policy: policy.yaml
audit:
  file: audit.jsonl
  forward: )",
                                  forward, "\n"),
                     "/etc/keyward/signer.yaml");
}

std::string Mistakes(absl::string_view forward) {
  return std::string(Parse(forward).status().message());
}

TEST(SinkConfigTest, ReadsSyslog) {
  const auto config = Parse(
      "{syslog: \"[2001:db8::1]:6514\", ca: ca.pem, certificate: c.pem, private_key: c.key, "
      "required: true}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->user, "keyward");
  const ForwardConfig& forward = config->audit.forward;
  EXPECT_EQ(forward.kind, ForwardConfig::Kind::kSyslogTls);
  EXPECT_EQ(forward.address, "[2001:db8::1]:6514");
  EXPECT_EQ(forward.ca, "/etc/keyward/ca.pem");
  EXPECT_EQ(forward.certificate, "/etc/keyward/c.pem");
  EXPECT_EQ(forward.private_key, "/etc/keyward/c.key");
  EXPECT_TRUE(forward.required);
}

TEST(SinkConfigTest, ReadsSockets) {
  auto config = Parse("{unix_socket: /dev/log}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->audit.forward.kind, ForwardConfig::Kind::kUnixSocket);
  EXPECT_EQ(config->audit.forward.address, "/dev/log");
  EXPECT_FALSE(config->audit.forward.required);
  config = Parse("{journald: }");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->audit.forward.kind, ForwardConfig::Kind::kJournald);
  EXPECT_EQ(config->audit.forward.address, "/run/systemd/journal/socket");
  config = Parse("{journald: /run/other}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->audit.forward.address, "/run/other");
}

TEST(SinkConfigTest, NamesMistakes) {
  constexpr char kOneOf[] =
      "signer.yaml:15: audit.forward: must have exactly one of syslog, unix_socket and journald";
  EXPECT_THAT(Mistakes("{}"), HasSubstr(kOneOf));
  EXPECT_THAT(Mistakes("{required: true}"), HasSubstr(kOneOf));
  EXPECT_THAT(Mistakes("{syslog: \"a:1\", ca: a, unix_socket: /b}"), HasSubstr(kOneOf));
  EXPECT_THAT(Mistakes("syslog"), HasSubstr("audit.forward"));
  EXPECT_THAT(Mistakes("{syslog: \"logs:6514\"}"), HasSubstr("audit.forward"));
  EXPECT_THAT(Mistakes("{syslog: logs, ca: ca.pem}"), HasSubstr("audit.forward.syslog"));
  EXPECT_THAT(Mistakes("{syslog: \"logs:0\", ca: ca.pem}"),
              HasSubstr("audit.forward.syslog: must have the port of a server"));
  EXPECT_THAT(Mistakes("{syslog: \"logs:1\", ca: ca.pem, certificate: a}"),
              HasSubstr("must have both of certificate and private_key, or none"));
  EXPECT_THAT(Mistakes("{unix_socket: /dev/log, ca: a}"),
              HasSubstr("audit.forward.ca: is for syslog alone"));
  EXPECT_THAT(Mistakes(absl::StrCat("{unix_socket: /", std::string(200, 'x'), "}")),
              HasSubstr("audit.forward.unix_socket: "));
  EXPECT_THAT(Mistakes("{unix_socket: }"), HasSubstr("audit.forward.unix_socket"));
  EXPECT_THAT(Mistakes("{journald: /a, required: maybe}"), HasSubstr("audit.forward.required"));
  EXPECT_THAT(Mistakes("{jornald: /a}"), HasSubstr("did you mean journald?"));
}

}  // namespace
}  // namespace keyward::signer
