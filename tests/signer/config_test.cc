#include "signer/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/file.h"
#include "tests/testing/temp_dir.h"

namespace keyward::signer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kConfig[] = R"(listen: 127.0.0.1:7443
tls:
  certificate: pki/signer.pem
  private_key: pki/signer.key
  client_ca: /etc/pki/ca.pem
token:
  module: /usr/lib/softhsm/libsofthsm2.so
  uri: "pkcs11:token=keyward-demo"
  pin:
    file: pin
registry:
  sqlite: registry.db
audit:
  file: ../audit.jsonl
policy: policy.yaml
)";

std::string With(absl::string_view from, absl::string_view to) {
  std::string config = absl::StrReplaceAll(kConfig, {{from, to}});
  EXPECT_NE(config, kConfig) << from;
  return config;
}

std::string Mistakes(absl::string_view yaml) {
  return std::string(ParseConfig(yaml, "/etc/keyward/signer.yaml").status().message());
}

TEST(ConfigTest, ReadsAFileWithDefaults) {
  const auto config = ParseConfig(kConfig, "/etc/keyward/signer.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen, "127.0.0.1:7443");
  EXPECT_EQ(config->tls.certificate, "/etc/keyward/pki/signer.pem");
  EXPECT_EQ(config->tls.private_key, "/etc/keyward/pki/signer.key");
  EXPECT_EQ(config->tls.client_ca, "/etc/pki/ca.pem");
  EXPECT_EQ(config->tls.client_crl, "");
  EXPECT_TRUE(config->identity_kinds.spiffe && config->identity_kinds.dns &&
              config->identity_kinds.common_name);
  EXPECT_EQ(config->token.module, "/usr/lib/softhsm/libsofthsm2.so");
  EXPECT_EQ(config->token.uri, "pkcs11:token=keyward-demo");
  EXPECT_EQ(config->token.pin.Describe(), "file /etc/keyward/pin");
  EXPECT_EQ(config->token.sessions, 2);
  EXPECT_FALSE(config->token.allow_imported_keys);
  EXPECT_THAT(config->token.adoptable_labels, ::testing::ElementsAre("*"));
  EXPECT_EQ(config->registry_sqlite, "/etc/keyward/registry.db");
  EXPECT_EQ(config->audit.file, "/etc/audit.jsonl");
  EXPECT_EQ(config->policy, "/etc/keyward/policy.yaml");
  EXPECT_EQ(config->certificate_validity_days, 730);
  EXPECT_EQ(config->queue, 1024);
  EXPECT_EQ(config->max_assertion_lifetime, absl::Seconds(300));
  EXPECT_EQ(config->monitoring.listen, "");
  EXPECT_EQ(config->lines.at("tls.client_ca"), 5);
}

TEST(ConfigTest, ReadsEverySetting) {
  const auto config = ParseConfig(With("    file: pin\n",
                                       "    environment: KEYWARD_PIN\n"
                                       "  sessions: 256\n"
                                       "  allow_imported_keys: true\n"
                                       "  adoptable_labels: [ceremony-*, ca]\n"
                                       "certificate: {validity_days: 3650}\n"
                                       "limits:\n"
                                       "  queue: 100000\n"
                                       "  max_assertion_lifetime_seconds: 1\n"
                                       "monitoring:\n"
                                       "  listen: 0.0.0.0:9464\n"
                                       "  allow_remote: true\n"),
                                  "signer.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->tls.certificate, "pki/signer.pem");
  EXPECT_EQ(config->token.pin.Describe(), "environment variable KEYWARD_PIN");
  EXPECT_EQ(config->token.sessions, 256);
  EXPECT_TRUE(config->token.allow_imported_keys);
  EXPECT_THAT(config->token.adoptable_labels, ::testing::ElementsAre("ceremony-*", "ca"));
  EXPECT_EQ(config->certificate_validity_days, 3650);
  EXPECT_EQ(config->queue, 100000);
  EXPECT_EQ(config->max_assertion_lifetime, absl::Seconds(1));
  EXPECT_EQ(config->monitoring.listen, "0.0.0.0:9464");
}

TEST(ConfigTest, ReadsWhichCertificatesCount) {
  const auto config = ParseConfig(With("  client_ca: /etc/pki/ca.pem\n",
                                       "  client_ca: ca.pem\n  client_crl: crl.pem\n"
                                       "identity: {kinds: [dns, spiffe]}\n"),
                                  "/etc/keyward/signer.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->tls.client_crl, "/etc/keyward/crl.pem");
  EXPECT_TRUE(config->identity_kinds.spiffe && config->identity_kinds.dns);
  EXPECT_FALSE(config->identity_kinds.common_name);

  const auto mistakes = [](const std::string& identity) {
    return Mistakes(With("policy:", absl::StrCat("identity: ", identity, "\npolicy:")));
  };
  EXPECT_THAT(mistakes("{kinds: []}"), HasSubstr("identity.kinds: must list spiffe, dns or cn"));
  EXPECT_THAT(mistakes("{kinds: [spiffe, uri]}"),
              HasSubstr("identity.kinds: may list spiffe, dns and cn, not \"uri\""));
  EXPECT_THAT(mistakes("{}"), HasSubstr("identity.kinds: is missing"));
  EXPECT_THAT(mistakes("{kinds: [dns], order: dns}"), HasSubstr("identity.order: unknown key"));
  EXPECT_THAT(mistakes("[dns]"), HasSubstr("identity: must be a mapping"));
}

TEST(ConfigTest, NamesEveryMistakeAtOnce) {
  EXPECT_EQ(
      Mistakes(R"(listen: 7443
tls:
  certificate: ""
  privat_key: k
  client_ca: [a]
token:
  module: m
  uri: softhsm
  pin: 648219
  sessions: 0
  sessions: 1
  allow_imported_keys: no
registry: {}
certificate: {validity_days: 3651}
limits:
  queue: 0
  max_assertion_lifetime_seconds: 301
polcy: p
)"),
      R"(/etc/keyward/signer.yaml:1: listen: must be HOST:PORT, with an IPv6 address in brackets
/etc/keyward/signer.yaml:1: audit: is missing: a section of settings
/etc/keyward/signer.yaml:1: policy: is missing: the path of a file
/etc/keyward/signer.yaml:3: tls.certificate: must be a text, is empty
/etc/keyward/signer.yaml:3: tls.private_key: is missing: the path of a file
/etc/keyward/signer.yaml:4: tls.privat_key: unknown key (did you mean private_key?)
/etc/keyward/signer.yaml:5: tls.client_ca: must be a text, is a list
/etc/keyward/signer.yaml:8: token.uri: must be a PKCS#11 URI (RFC 7512) such as pkcs11:token=keyward: )"
      "URI scheme must be 'pkcs11:'\n"
      R"(/etc/keyward/signer.yaml:9: token.pin: must be a mapping, is a single value
/etc/keyward/signer.yaml:10: token.sessions: must be 1..256, is 0
/etc/keyward/signer.yaml:11: token.sessions: is there twice, first in line 10
/etc/keyward/signer.yaml:12: token.allow_imported_keys: must be true or false, without quotes
/etc/keyward/signer.yaml:13: registry.sqlite: is missing: the path of a file
/etc/keyward/signer.yaml:14: certificate.validity_days: must be 1..3650, is 3651
/etc/keyward/signer.yaml:16: limits.queue: must be 1..100000, is 0
/etc/keyward/signer.yaml:17: limits.max_assertion_lifetime_seconds: must be 1..300, is 301
/etc/keyward/signer.yaml:18: polcy: unknown key (did you mean policy?))");
}

TEST(ConfigTest, RefusesOtherShapes) {
  EXPECT_THAT(Mistakes(""), HasSubstr("must be a mapping, is empty"));
  EXPECT_THAT(Mistakes("- a\n"), HasSubstr("must be a mapping, is a list"));
  EXPECT_THAT(Mistakes("a: [\n"), HasSubstr("not YAML"));
  EXPECT_THAT(Mistakes(With("  sqlite: registry.db\n", "")),
              HasSubstr("registry: must be a mapping"));
}

TEST(ConfigTest, ListenAddresses) {
  for (const char* listen : {"localhost:0", "0.0.0.0:65535", "\"[::1]:7443\"", "\"[::]:1\""}) {
    EXPECT_EQ(Mistakes(With("127.0.0.1:7443", listen)), "") << listen;
  }
  for (const char* listen :
       {"localhost", "\":7443\"", "localhost:65536", "localhost:-1", "\"localhost:\"",
        "localhost:x", "\"::1:7443\"", "\"[]:1\"", "\"a b:1\"", "\"localhost:99999999999\""}) {
    EXPECT_THAT(Mistakes(With("127.0.0.1:7443", listen)), HasSubstr(":1: listen: ")) << listen;
  }
}

TEST(ConfigTest, MonitoringIsOfThisMachineUnlessOthersAreLetIn) {
  const auto mistakes = [](const std::string& listen, const std::string& more = "") {
    return Mistakes(absl::StrCat(kConfig, "monitoring:\n  listen: \"", listen, "\"\n", more));
  };
  for (const char* listen : {"127.0.0.1:9464", "127.8.9.10:0", "localhost:9464", "[::1]:9464"}) {
    EXPECT_EQ(mistakes(listen), "") << listen;
  }
  for (const char* listen : {"0.0.0.0:9464", "10.0.0.1:9464", "128.0.0.1:9464", "[::]:9464",
                             "[fe80::1]:9464", "[::ffff:127.0.0.1]:9464", "localhost.example:9464",
                             "127.0.0.1.example:9464", "127.1:9464", "[127.0.0.1]:9464"}) {
    EXPECT_THAT(mistakes(listen), HasSubstr(":17: monitoring.listen: must be a loopback address"))
        << listen;
    EXPECT_NE(mistakes(listen, "  allow_remote: false\n"), "") << listen;
    EXPECT_EQ(mistakes(listen, "  allow_remote: true\n"), "") << listen;
  }
}

TEST(ConfigTest, MistakesOfMonitoring) {
  const auto mistakes = [](const std::string& more) { return Mistakes(kConfig + more); };
  EXPECT_THAT(mistakes("monitoring: {}\n"), HasSubstr("monitoring.listen: is missing"));
  EXPECT_THAT(mistakes("monitoring:\n"), HasSubstr("monitoring: must be a mapping, is empty"));
  EXPECT_THAT(mistakes("monitoring: {listen: 9464}\n"),
              HasSubstr(":16: monitoring.listen: must be HOST:PORT"));
  EXPECT_THAT(mistakes("monitoring: {listen: \"127.0.0.1:1\", allow_remote: 1}\n"),
              HasSubstr("monitoring.allow_remote: must be true or false"));
  EXPECT_THAT(mistakes("monitoring: {listn: \"127.0.0.1:1\"}\n"),
              HasSubstr("monitoring.listn: unknown key (did you mean listen?)"));
}

TEST(ConfigTest, ATokenUriNamesATokenAndNothingElse) {
  for (const char* uri : {"pkcs11:", "pkcs11:token=a%20b;serial=1", "pkcs11:slot-id=3",
                          "pkcs11:manufacturer=SoftHSM%20project;model=x"}) {
    EXPECT_EQ(Mistakes(With("pkcs11:token=keyward-demo", uri)), "") << uri;
  }
  for (const char* uri :
       {"http://a", "token=a", "pkcs11:token=%zz", "pkcs11:nonsense=1",
        "pkcs11:token=a?pin-value=qq1234", "pkcs11:token=a?pin-source=file:/qq",
        "pkcs11:token=a?module-path=/m.so", "pkcs11:token=a?module-name=m",
        "pkcs11:token=a;object=k", "pkcs11:token=a;type=private", "pkcs11:token=a;id=%01"}) {
    const std::string mistakes = Mistakes(With("pkcs11:token=keyward-demo", uri));
    EXPECT_THAT(mistakes, HasSubstr(":8: token.uri: ")) << uri;
    EXPECT_THAT(mistakes, Not(HasSubstr("qq"))) << uri;
  }
}

TEST(ConfigTest, ExactlyOnePinSource) {
  for (const char* pin :
       {"    file: pin\n    environment: P\n", "    credential: c\n    file: pin\n",
        "    environment: qq=1\n", "    environment: 648219\n", "    credential: ../qq\n",
        "    credential: ..\n", "    environment:\n", "    value: qq\n", ""}) {
    const std::string mistakes = Mistakes(With("    file: pin\n", pin));
    EXPECT_THAT(mistakes, HasSubstr("token.pin")) << pin;
    EXPECT_THAT(mistakes, Not(HasSubstr("qq"))) << pin;
    EXPECT_THAT(mistakes, Not(HasSubstr("648219"))) << pin;
  }
  EXPECT_EQ(ParseConfig(With("    file: pin\n", "    credential: keyward-pin\n"), "s")
                ->token.pin.Describe(),
            "systemd credential keyward-pin");
}

TEST(ConfigTest, LoadsAFile) {
  keyward::testing::TempDir dir;
  ASSERT_TRUE(WriteFile(dir.File("signer.yaml"), kConfig).ok());
  EXPECT_EQ(LoadConfig(dir.File("signer.yaml"))->policy, dir.File("policy.yaml"));
  EXPECT_THAT(std::string(LoadConfig(dir.File("absent.yaml")).status().message()),
              HasSubstr("absent.yaml"));
}

TEST(ConfigTest, LimitsOfConnections) {
  const auto limited = [](absl::string_view limits) {
    return absl::StrCat(kConfig, "limits: {", limits, "}\n");
  };
  const auto without = ParseConfig(kConfig, "signer.yaml");
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_EQ(without->connections.connections, 2000);
  EXPECT_EQ(without->connections.connections_per_address, 1000);
  const auto least = ParseConfig(limited("connections: 10, connections_per_address: 1"), "s.yaml");
  ASSERT_TRUE(least.ok()) << least.status();
  EXPECT_EQ(least->connections.connections, 10);
  EXPECT_EQ(least->connections.connections_per_address, 1);
  EXPECT_THAT(Mistakes(limited("connections: 9")), HasSubstr("must be 10..60000, is 9"));
  EXPECT_THAT(Mistakes(limited("connections_per_address: 60001")),
              HasSubstr("must be 1..60000, is 60001"));
}

}  // namespace
}  // namespace keyward::signer
