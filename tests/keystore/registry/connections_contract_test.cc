// Connections: create, read, list, update.
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/keystore/registry/registry_contract.h"

namespace keyward::registry {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

void ExpectSettings(const ConnectionSettings& actual, const ConnectionSettings& expected) {
  EXPECT_EQ(actual.consumer_key, expected.consumer_key);
  EXPECT_EQ(actual.environment, expected.environment);
  EXPECT_EQ(actual.login_url, expected.login_url);
  EXPECT_EQ(actual.audiences, expected.audiences);
  EXPECT_EQ(actual.subjects, expected.subjects);
  EXPECT_EQ(actual.subject_patterns, expected.subject_patterns);
  EXPECT_EQ(actual.include_kid, expected.include_kid);
}

TEST_P(RegistryContractTest, ANewRegistryIsEmpty) {
  EXPECT_THAT(*registry_->ListConnections("", 10), IsEmpty());
  EXPECT_THAT(*registry_->ListUnfinished(), IsEmpty());
  EXPECT_THAT(registry_->Load()->connections, IsEmpty());
  EXPECT_THAT(registry_->Load()->key_versions, IsEmpty());
  EXPECT_THAT(registry_->Ping(), IsOk());
}

TEST_P(RegistryContractTest, KeepsWhatWasSet) {
  const absl::Time before = absl::FromUnixMicros(absl::ToUnixMicros(absl::Now()));
  CreateActive(*registry_, "acme");
  Reopen();
  const Connection connection = *registry_->GetConnection("acme");
  EXPECT_EQ(connection.name, "acme");
  ExpectSettings(connection.settings, SomeSettings());
  EXPECT_FALSE(connection.etag.empty());
  EXPECT_GE(connection.create_time, before);
  EXPECT_LE(connection.create_time, absl::Now());
  EXPECT_EQ(connection.update_time, connection.create_time);
}

TEST_P(RegistryContractTest, KeepsEmptySettings) {
  CreateActive(*registry_, "acme", ConnectionSettings());
  ExpectSettings(registry_->GetConnection("acme")->settings, ConnectionSettings());
}

TEST_P(RegistryContractTest, KeepsEveryEnvironment) {
  for (Environment environment :
       {Environment::kProduction, Environment::kSandbox, Environment::kCustom}) {
    const std::string name = absl::StrCat("c", static_cast<int>(environment));
    ConnectionSettings settings;
    settings.environment = environment;
    CreateActive(*registry_, name, settings);
    EXPECT_EQ(registry_->GetConnection(name)->settings.environment, environment);
  }
}

TEST_P(RegistryContractTest, ANameIsTakenFromTheFirstMoment) {
  ASSERT_THAT(registry_->CreateConnection("acme", {}, NewKeyId(), "RS256", 2048).status(), IsOk());
  EXPECT_THAT(registry_->CreateConnection("acme", {}, NewKeyId(), "RS256", 2048).status(),
              FailsWith(StatusCode::kAlreadyExists, "CONNECTION_EXISTS"));
  CreateActive(*registry_, "other");
  EXPECT_THAT(registry_->CreateConnection("other", {}, NewKeyId(), "RS256", 2048).status(),
              FailsWith(StatusCode::kAlreadyExists, "CONNECTION_EXISTS"));
  EXPECT_EQ(registry_->ListUnfinished()->size(), 1U);
}

TEST_P(RegistryContractTest, AKeyIdIsUsedOnce) {
  const std::string key_id = NewKeyId();
  ASSERT_THAT(registry_->CreateConnection("a", {}, key_id, "RS256", 2048).status(), IsOk());
  EXPECT_THAT(registry_->CreateConnection("b", {}, key_id, "RS256", 2048).status(),
              FailsWith(StatusCode::kAlreadyExists, "KEY_ID_EXISTS"));
  EXPECT_EQ(registry_->ListUnfinished()->size(), 1U);
}

TEST_P(RegistryContractTest, RefusesEmptyNamesAndKeyIds) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      registry_->CreateConnection("", {}, NewKeyId(), "RS256", 2048).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(registry_->CreateConnection("acme", {}, "", "RS256", 2048).status()));
  EXPECT_THAT(*registry_->ListUnfinished(), IsEmpty());
}

TEST_P(RegistryContractTest, AConnectionIsNotThereBeforeItsKey) {
  ASSERT_THAT(registry_->CreateConnection("acme", {}, NewKeyId(), "RS256", 2048).status(), IsOk());
  const auto not_found = FailsWith(StatusCode::kNotFound, "CONNECTION_NOT_FOUND");
  EXPECT_THAT(registry_->GetConnection("acme").status(), not_found);
  EXPECT_THAT(registry_->UpdateConnection("acme", {}, "1").status(), not_found);
  EXPECT_THAT(registry_->BeginRemoval("acme", "1"), not_found);
  EXPECT_THAT(registry_->ListKeyVersions("acme").status(), not_found);
  EXPECT_THAT(*registry_->ListConnections("", 10), IsEmpty());
  EXPECT_THAT(registry_->Load()->connections, IsEmpty());
  EXPECT_THAT(registry_->Load()->key_versions, IsEmpty());
}

TEST_P(RegistryContractTest, UnknownNamesAreNotFound) {
  CreateActive(*registry_, "acme");
  const auto not_found = FailsWith(StatusCode::kNotFound, "CONNECTION_NOT_FOUND");
  for (const std::string& name :
       {std::string(""), std::string("acm"), std::string("acme "), std::string("ACME"),
        std::string("acm%"), std::string("acme\0", 5), std::string("acme\0x", 6),
        std::string("\xFF\xFE"), std::string(1 << 20, 'a')}) {
    EXPECT_THAT(registry_->GetConnection(name).status(), not_found);
    EXPECT_THAT(registry_->UpdateConnection(name, {}, "1").status(), not_found);
    EXPECT_THAT(registry_->BeginRemoval(name, "1"), not_found);
    EXPECT_THAT(registry_->ListKeyVersions(name).status(), not_found);
  }
}

TEST_P(RegistryContractTest, NamesThatLookLikeSqlAreNames) {
  const std::vector<std::string> names = {"'; DROP TABLE connections; --",
                                          "x' OR '1'='1",
                                          "\"quoted\"",
                                          ":name",
                                          "$1",
                                          "?1",
                                          "%",
                                          "_",
                                          "a\\",
                                          "a\nb"};
  for (const std::string& name : names) {
    ConnectionSettings settings = OnlyConsumerKey(name);
    settings.audiences = {name};
    settings.subjects = {name};
    CreateActive(*registry_, name, settings);
  }
  EXPECT_EQ(registry_->ListConnections("", 100)->size(), names.size());
  for (const std::string& name : names) {
    const Connection connection = *registry_->GetConnection(name);
    EXPECT_EQ(connection.name, name);
    EXPECT_EQ(connection.settings.consumer_key, name);
    EXPECT_THAT(connection.settings.audiences, ElementsAre(name));
    ConnectionSettings settings;
    settings.login_url = name;
    ASSERT_THAT(registry_->UpdateConnection(name, settings, connection.etag).status(), IsOk());
    EXPECT_EQ(registry_->GetConnection(name)->settings.login_url, name);
    EXPECT_EQ(registry_->ListKeyVersions(name)->size(), 1U);
    Remove(*registry_, name);
  }
  EXPECT_THAT(*registry_->ListConnections("", 100), IsEmpty());
}

TEST_P(RegistryContractTest, LongValuesAndForeignScriptsStay) {
  ConnectionSettings settings;
  settings.consumer_key = std::string(100'000, 'k');
  settings.login_url = "https://пример.example/\xF0\x9F\x94\x91";
  settings.subjects = {"", "a\"b\\c", "tab\there", std::string(50'000, 's'), "\x7F"};
  for (int i = 0; i < 1000; ++i) settings.audiences.push_back(absl::StrCat("https://", i));
  CreateActive(*registry_, "acme", settings);
  Reopen();
  ExpectSettings(registry_->GetConnection("acme")->settings, settings);
}

TEST_P(RegistryContractTest, RefusesWhatIsNotText) {
  const auto refused = FailsWith(StatusCode::kInvalidArgument, "INVALID_TEXT");
  CreateActive(*registry_, "acme");
  const std::string etag = EtagOf(*registry_, "acme");
  for (const std::string& bad : {std::string("\xFF"), std::string("a\0b", 3),
                                 std::string("\xED\xA0\x80"), std::string("\xC0\xAF")}) {
    EXPECT_THAT(registry_->CreateConnection(bad, {}, NewKeyId(), "RS256", 2048).status(), refused);
    EXPECT_THAT(registry_->CreateConnection("b", {}, NewKeyId(), bad, 2048).status(), refused);
    EXPECT_THAT(registry_->ListConnections(bad, 10).status(), refused);
    ConnectionSettings login_url;
    login_url.login_url = bad;
    ConnectionSettings audiences;
    audiences.audiences = {"x", bad};
    ConnectionSettings subjects;
    subjects.subjects = {bad};
    ConnectionSettings patterns;
    patterns.subject_patterns = {bad};
    for (const ConnectionSettings& settings :
         {OnlyConsumerKey(bad), login_url, audiences, subjects, patterns}) {
      EXPECT_THAT(registry_->CreateConnection("b", settings, NewKeyId(), "RS256", 1).status(),
                  refused);
      EXPECT_THAT(registry_->UpdateConnection("acme", settings, etag).status(), refused);
    }
  }
  EXPECT_EQ(EtagOf(*registry_, "acme"), etag);
  EXPECT_THAT(*registry_->ListUnfinished(), IsEmpty());
}

TEST_P(RegistryContractTest, ListsInPagesInOrderOfName) {
  for (const char* name : {"b", "a", "b-1", "c", "ab", "0"}) CreateActive(*registry_, name);
  EXPECT_THAT(NamesOf(*registry_->ListConnections("", 100)),
              ElementsAre("0", "a", "ab", "b", "b-1", "c"));
  EXPECT_THAT(NamesOf(*registry_->ListConnections("", 2)), ElementsAre("0", "a"));
  EXPECT_THAT(NamesOf(*registry_->ListConnections("a", 2)), ElementsAre("ab", "b"));
  EXPECT_THAT(NamesOf(*registry_->ListConnections("b", 2)), ElementsAre("b-1", "c"));
  EXPECT_THAT(NamesOf(*registry_->ListConnections("aa", 1)), ElementsAre("ab"));
  EXPECT_THAT(*registry_->ListConnections("c", 2), IsEmpty());
  EXPECT_THAT(*registry_->ListConnections("", 0), IsEmpty());
  EXPECT_EQ(registry_->ListConnections("", SIZE_MAX)->size(), 6U);
}

TEST_P(RegistryContractTest, AnUpdateReplacesEverySetting) {
  CreateActive(*registry_, "acme");
  CreateActive(*registry_, "other");
  const Connection before = *registry_->GetConnection("acme");
  const ConnectionSettings settings = {.consumer_key = "new",
                                       .environment = Environment::kCustom,
                                       .login_url = "https://acme.example",
                                       .audiences = {"https://acme.example"},
                                       .subjects = {},
                                       .include_kid = false};
  const Connection after = *registry_->UpdateConnection("acme", settings, before.etag);
  ExpectSettings(after.settings, settings);
  EXPECT_NE(after.etag, before.etag);
  EXPECT_EQ(after.create_time, before.create_time);
  EXPECT_GE(after.update_time, before.update_time);
  Reopen();
  const Connection read = *registry_->GetConnection("acme");
  ExpectSettings(read.settings, settings);
  EXPECT_EQ(read.etag, after.etag);
  EXPECT_EQ(read.update_time, after.update_time);
  ExpectSettings(registry_->GetConnection("other")->settings, SomeSettings());
}

TEST_P(RegistryContractTest, AStaleEtagChangesNothing) {
  CreateActive(*registry_, "acme");
  const std::string first = EtagOf(*registry_, "acme");
  ASSERT_THAT(registry_->UpdateConnection("acme", OnlyConsumerKey("k"), first).status(), IsOk());
  const std::string second = EtagOf(*registry_, "acme");
  const auto stale = FailsWith(StatusCode::kAborted, "ETAG_MISMATCH");
  for (const std::string& etag : {first, std::string(), second + " ", "0" + second,
                                  std::string("x"), std::string(second.size(), '\0')}) {
    EXPECT_THAT(registry_->UpdateConnection("acme", OnlyConsumerKey("z"), etag).status(), stale);
    EXPECT_THAT(registry_->BeginRemoval("acme", etag), stale);
  }
  EXPECT_EQ(EtagOf(*registry_, "acme"), second);
  EXPECT_EQ(registry_->GetConnection("acme")->settings.consumer_key, "k");
  EXPECT_EQ(registry_->ListKeyVersions("acme")->front().state, VersionState::kActive);
}

TEST_P(RegistryContractTest, NoEtagIsEverUsedTwice) {
  std::set<std::string> seen;
  for (int round = 0; round < 3; ++round) {
    CreateActive(*registry_, "acme");
    EXPECT_TRUE(seen.insert(EtagOf(*registry_, "acme")).second);
    for (int i = 0; i < 3; ++i) {
      const std::string etag = EtagOf(*registry_, "acme");
      EXPECT_TRUE(seen.insert(registry_->UpdateConnection("acme", {}, etag)->etag).second);
    }
    Remove(*registry_, "acme");
    // One that never came to be counts, too.
    const KeyVersion undone = *registry_->CreateConnection("acme", {}, NewKeyId(), "RS256", 2048);
    ASSERT_THAT(registry_->UndoGeneration("acme", undone.number), IsOk());
    Reopen();
  }
}

}  // namespace
}  // namespace keyward::registry
