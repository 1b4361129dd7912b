#include "tests/standin/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/error.h"
#include "common/file.h"
#include "tests/standin/journal.h"
#include "tests/standin/testing/test_key.h"
#include "tests/testing/temp_dir.h"

namespace keyward::standin {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kUser[] = "user@example.com";

AppSettings Settings() {
  return {.name = "acme", .users = {kUser}, .scopes = {"api"}, .admin_approved = true};
}

class StateTest : public ::testing::Test {
 protected:
  std::unique_ptr<State> NewState() {
    return *State::New(
        {.session_lifetime = absl::Seconds(60), .directory = "", .now = [this] { return now_; }});
  }

  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
};

TEST_F(StateTest, ASessionEndsItsLifetimeAfterItsLastUse) {
  const std::unique_ptr<State> state = NewState();
  const Secret token = state->OpenSession(kUser, "key");
  now_ += absl::Seconds(59);
  ASSERT_TRUE(state->UseSession(token.Expose()).has_value());
  now_ += absl::Seconds(59);
  const std::optional<Session> session = state->UseSession(token.Expose());
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(session->username, kUser);
  EXPECT_EQ(session->consumer_key, "key");
  EXPECT_EQ(session->expires, now_ + absl::Seconds(60));
  EXPECT_EQ(state->sessions().List().size(), 1U);
  now_ += absl::Seconds(60);
  EXPECT_FALSE(state->UseSession(token.Expose()).has_value());
  EXPECT_TRUE(state->sessions().List().empty());
}

TEST_F(StateTest, OnlyTheWholeTokenOpensASession) {
  const std::unique_ptr<State> state = NewState();
  const Secret token = state->OpenSession(kUser, "key");
  const std::string text(token.Expose());
  EXPECT_FALSE(state->UseSession("").has_value());
  EXPECT_FALSE(state->UseSession(text.substr(1)).has_value());
  EXPECT_FALSE(state->UseSession(text + "x").has_value());
  EXPECT_TRUE(state->UseSession(text).has_value());
}

TEST_F(StateTest, TheOldestSessionMakesRoom) {
  const std::unique_ptr<State> state = NewState();
  const Secret first = state->OpenSession(kUser, "key");
  const Secret second = state->OpenSession(kUser, "key");
  for (size_t i = 2; i < State::kMaxSessions; ++i) state->OpenSession(kUser, "key");
  ASSERT_TRUE(state->UseSession(first.Expose()).has_value());
  const Secret last = state->OpenSession(kUser, "key");
  EXPECT_FALSE(state->UseSession(first.Expose()).has_value());
  EXPECT_TRUE(state->UseSession(second.Expose()).has_value());
  EXPECT_TRUE(state->UseSession(last.Expose()).has_value());
}

TEST_F(StateTest, UnknownAppsAndUsersAreNotFound) {
  const std::unique_ptr<State> state = NewState();
  EXPECT_EQ(ReasonOf(state->SetCertificate("none", std::nullopt)), "APP_NOT_FOUND");
  EXPECT_EQ(ReasonOf(state->SetUsers("none", {kUser})), "APP_NOT_FOUND");
  EXPECT_EQ(ReasonOf(state->SetUserActive(kUser, false)), "USER_NOT_FOUND");
  EXPECT_FALSE(state->FindApp("none").has_value());
  EXPECT_FALSE(state->FindUser(kUser).has_value());
}

TEST_F(StateTest, AUserKeepsIdAndStateInASecondApp) {
  const std::unique_ptr<State> state = NewState();
  ASSERT_TRUE(state->CreateApp(Settings()).ok());
  ASSERT_TRUE(state->SetUserActive(kUser, false).ok());
  const User before = *state->FindUser(kUser);
  ASSERT_TRUE(state->CreateApp(Settings()).ok());
  EXPECT_EQ(state->FindUser(kUser)->id, before.id);
  EXPECT_FALSE(state->FindUser(kUser)->active);
}

TEST(StateFileTest, TheOrgOutlivesTheProcessAndSessionsDoNot) {
  const keyward::testing::TempDir dir;
  const StateOptions options{.directory = dir.File("made/for/it")};
  const std::string certificate = keyward::testing::NewRsaKey().certificate_pem;
  std::string consumer_key;
  std::string org_id;
  std::string user_id;
  std::string token;
  {
    const std::unique_ptr<State> state = *State::New(options);
    consumer_key = *state->CreateApp(Settings());
    ASSERT_TRUE(state->SetCertificate(consumer_key, *ParseCertificate(certificate)).ok());
    ASSERT_TRUE(state->SetUserActive(kUser, false).ok());
    org_id = state->organization_id();
    user_id = state->FindUser(kUser)->id;
    token = std::string(state->OpenSession(kUser, consumer_key).Expose());
  }
  const std::unique_ptr<State> state = *State::New(options);
  EXPECT_EQ(state->organization_id(), org_id);
  EXPECT_EQ(state->FindUser(kUser)->id, user_id);
  EXPECT_FALSE(state->FindUser(kUser)->active);
  const App app = *state->FindApp(consumer_key);
  EXPECT_EQ(app.settings.name, "acme");
  EXPECT_THAT(app.settings.users, ElementsAre(kUser));
  EXPECT_THAT(app.settings.scopes, ElementsAre("api"));
  EXPECT_TRUE(app.settings.admin_approved);
  EXPECT_EQ(app.certificate->pem, certificate);
  EXPECT_FALSE(state->UseSession(token).has_value());

  const std::string path = dir.File("made/for/it/org.json");
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_THAT(*ReadFile(path), AllOf(HasSubstr(consumer_key), Not(HasSubstr(token))));
}

TEST(StateFileTest, PoliciesAndUsersOutliveTheProcess) {
  const keyward::testing::TempDir dir;
  const StateOptions options{.directory = dir.path()};
  AppSettings settings = Settings();
  settings.permission_sets = {"Keyward"};
  settings.profiles = {"Integration"};
  settings.relax_ip = true;
  settings.login_hosts = {"acme.my.salesforce.com"};
  settings.audiences = {"https://acme.my.salesforce.com"};
  settings.session_seconds = 60;
  settings.token_format = "jwt";
  settings.reuse_session = true;
  settings.instance_url = "https://acme.my.salesforce.com";
  settings.response_fields = {"signature"};
  const User user{.frozen = true,
                  .api_enabled = false,
                  .profile = "Integration",
                  .permission_sets = {"Keyward"},
                  .ip_ranges = {"10.0.0.0/8"}};
  std::string consumer_key;
  {
    const std::unique_ptr<State> state = *State::New(options);
    consumer_key = *state->CreateApp(settings);
    ASSERT_TRUE(state->CreateUser("new@example.com", user).ok());
  }
  const std::unique_ptr<State> state = *State::New(options);
  EXPECT_EQ(ToJson(state->FindApp(consumer_key)->settings), ToJson(settings));
  EXPECT_EQ(ToJson(settings).size(), 14U);
  EXPECT_EQ(ToJson(*state->FindUser("new@example.com")), ToJson(user));
  EXPECT_TRUE(state->propagation().Find(consumer_key, 0).has_value());
}

TEST(StateFileTest, AFileThatDoesNotFitIsNamed) {
  const keyward::testing::TempDir dir;
  for (const absl::string_view bad :
       {"", "{", "{}", "[]", R"({"id":1,"users":{},"apps":[]})",
        R"({"id":"a","users":{},"apps":[{}]})",
        (R"({"id":"a","users":{},"apps":[{"consumer_key":"k","name":"n","users":[],"scopes":[],)"
         R"("admin_approved":false,"certificate":"x"}]})")}) {
    ASSERT_TRUE(WriteFile(dir.File("org.json"), bad).ok());
    const absl::Status status = State::New({.directory = dir.path()}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << bad;
    EXPECT_THAT(std::string(status.message()), HasSubstr("org.json")) << bad;
  }
}

TEST(StateFileTest, AChangeThatCannotBeWrittenHasNoEffect) {
  const keyward::testing::TempDir dir;
  const std::unique_ptr<State> state = *State::New({.directory = dir.File("state")});
  const std::string consumer_key = *state->CreateApp(Settings());
  // A file where the directory was: no permission stops root.
  std::filesystem::remove_all(dir.File("state"));
  ASSERT_TRUE(WriteFile(dir.File("state"), "").ok());
  EXPECT_FALSE(state->CreateApp(Settings()).ok());
  EXPECT_FALSE(state->SetUsers(consumer_key, {}).ok());
  EXPECT_EQ(state->Apps().size(), 1U);
  EXPECT_THAT(state->FindApp(consumer_key)->settings.users, ElementsAre(kUser));
}

TEST(StateConcurrencyTest, ManyThreadsChangeAndRead) {
  const std::unique_ptr<State> state = *State::New({});
  const std::string shared = *state->CreateApp(Settings());
  constexpr int kThreads = 4;
  constexpr int kRounds = 100;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        const std::string own = *state->CreateApp(Settings());
        EXPECT_TRUE(state->SetUsers(shared, {kUser}).ok());
        EXPECT_TRUE(state->FindApp(own).has_value());
        const Secret token = state->OpenSession(kUser, own);
        EXPECT_EQ(state->UseSession(token.Expose())->consumer_key, own);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(state->Apps().size(), size_t{1 + kThreads * kRounds});
  EXPECT_EQ(state->sessions().List().size(), size_t{kThreads * kRounds});
}

TEST(JournalTest, KeepsTheNewestAndCutsLongTextAtACharacter) {
  Journal journal;
  journal.Add({.time = absl::Now(), .method = "first", .endpoint = "/"});
  for (size_t i = 1; i < Journal::kMaxEntries; ++i) {
    journal.Add({.time = absl::Now(), .method = "POST", .endpoint = "/"});
  }
  EXPECT_EQ(journal.Entries().front().method, "first");
  // 255 bytes and a character of two.
  const std::string issuer = std::string(255, 'a') + "\xC3\xA9";
  journal.Add({.time = absl::Now(), .method = "last", .endpoint = "/", .issuer = issuer});
  EXPECT_EQ(journal.Entries().size(), Journal::kMaxEntries);
  EXPECT_EQ(journal.Entries().front().method, "POST");
  EXPECT_EQ(journal.Entries().back().issuer, std::string(255, 'a'));
}

}  // namespace
}  // namespace keyward::standin
