#include "tests/keystore/registry/registry_contract.h"

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace keyward::registry {

ConnectionSettings SomeSettings() {
  ConnectionSettings settings;
  settings.consumer_key = "3MVG9.consumer";
  settings.environment = Environment::kSandbox;
  settings.login_url = "https://test.salesforce.com";
  settings.audiences = {"https://test.salesforce.com", "https://acme.my.salesforce.com"};
  settings.subjects = {"b@example.com", "a@example.com"};
  settings.subject_patterns = {"*@example.com", "svc-*@acme.example"};
  settings.include_kid = true;
  return settings;
}

ConnectionSettings OnlyConsumerKey(std::string consumer_key) {
  ConnectionSettings settings;
  settings.consumer_key = std::move(consumer_key);
  return settings;
}

std::string NewKeyId() {
  static std::atomic<int> count{0};
  return absl::StrCat(absl::string_view("\0\xFF\x80", 3), ++count);
}

IssuedKey SomeIssuedKey() {
  return {.certificate_der = std::string("\x30\x82\0\x01\xFF der", 9),
          .kid = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
          .certificate_not_after = absl::FromUnixSeconds(2'000'000'000)};
}

IssuedKey AnotherCertificate(absl::string_view name) {
  IssuedKey issued = SomeIssuedKey();
  issued.certificate_der = absl::StrCat(name, absl::string_view("\0\xFF leaf", 7));
  issued.certificate_chain = {absl::StrCat(name, absl::string_view("\x80\0 issuer", 9)),
                              absl::StrCat(name, " root")};
  issued.certificate_not_after = absl::FromUnixSeconds(2'100'000'000);
  return issued;
}

void ExpectVersion(const KeyVersion& actual, const KeyVersion& expected) {
  EXPECT_EQ(actual.connection, expected.connection);
  EXPECT_EQ(actual.number, expected.number);
  EXPECT_EQ(actual.state, expected.state);
  EXPECT_EQ(actual.key_id, expected.key_id);
  EXPECT_EQ(actual.algorithm, expected.algorithm);
  EXPECT_EQ(actual.key_bits, expected.key_bits);
  EXPECT_EQ(actual.create_time, expected.create_time);
  EXPECT_EQ(actual.certificate_der, expected.certificate_der);
  EXPECT_EQ(actual.certificate_chain, expected.certificate_chain);
  EXPECT_EQ(actual.kid, expected.kid);
  EXPECT_EQ(actual.certificate_not_after, expected.certificate_not_after);
}

uint32_t CreateActive(Registry& registry, absl::string_view name,
                      const ConnectionSettings& settings) {
  const absl::StatusOr<KeyVersion> version =
      registry.CreateConnection(name, settings, NewKeyId(), "RS256", 2048);
  EXPECT_THAT(version.status(), IsOk());
  if (!version.ok()) return 0;
  EXPECT_THAT(
      registry.FinishGeneration(name, version->number, VersionState::kActive, SomeIssuedKey()),
      IsOk());
  return version->number;
}

std::string EtagOf(Registry& registry, absl::string_view name) {
  const absl::StatusOr<Connection> connection = registry.GetConnection(name);
  EXPECT_THAT(connection.status(), IsOk());
  return connection.ok() ? connection->etag : "";
}

void Remove(Registry& registry, absl::string_view name) {
  EXPECT_THAT(registry.BeginRemoval(name, EtagOf(registry, name)), IsOk());
  const absl::StatusOr<std::vector<KeyVersion>> unfinished = registry.ListUnfinished();
  ASSERT_THAT(unfinished.status(), IsOk());
  for (const KeyVersion& version : *unfinished) {
    if (version.connection != name) continue;
    EXPECT_THAT(registry.FinishDestruction(name, version.number), IsOk());
  }
}

std::vector<std::string> NamesOf(const std::vector<Connection>& connections) {
  std::vector<std::string> names;
  names.reserve(connections.size());
  for (const Connection& connection : connections) names.push_back(connection.name);
  return names;
}

}  // namespace keyward::registry
