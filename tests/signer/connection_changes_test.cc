#include "signer/connection_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "signer/freeze.h"
#include "tests/testing/code_and_reason.h"

namespace keyward::signer {
namespace {

using registry::ConnectionSettings;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const ConnectionSettings kSettings = {.consumer_key = "key",
                                      .login_url = "https://login.salesforce.com",
                                      .audiences = {"a", "b"},
                                      .subjects = {"u@x", "v@x"},
                                      .subject_patterns = {"i-*@x"}};

TEST(ConnectionChangesTest, NamesWhatMayNeedASecondPerson) {
  ConnectionSettings changed = kSettings;
  EXPECT_THAT(ChangesOf(kSettings, changed), IsEmpty());
  changed.include_kid = true;
  EXPECT_THAT(ChangesOf(kSettings, changed), IsEmpty());

  changed = kSettings;
  changed.consumer_key = "other";
  EXPECT_THAT(ChangesOf(kSettings, changed), ElementsAre(Change::kConsumerKey));
  changed.consumer_key = "";
  EXPECT_THAT(ChangesOf(kSettings, changed), ElementsAre(Change::kConsumerKey));
  EXPECT_THAT(ChangesOf(changed, kSettings), ElementsAre(Change::kConsumerKey))
      << "where there was none";

  changed = kSettings;
  changed.login_url = "https://evil.example";
  EXPECT_THAT(ChangesOf(kSettings, changed), ElementsAre(Change::kLoginHost));
  changed = kSettings;
  changed.environment = registry::Environment::kCustom;
  EXPECT_THAT(ChangesOf(kSettings, changed), ElementsAre(Change::kLoginHost));
}

TEST(ConnectionChangesTest, OrderIsNoChangeOfAudiences) {
  ConnectionSettings changed = kSettings;
  changed.audiences = {"b", "a"};
  EXPECT_THAT(ChangesOf(kSettings, changed), IsEmpty());
  changed.audiences = {"a", "c"};
  EXPECT_THAT(ChangesOf(kSettings, changed), ElementsAre(Change::kAudiences));
  changed.audiences = {"a"};
  EXPECT_THAT(ChangesOf(kSettings, changed), ElementsAre(Change::kAudiences));
}

TEST(ConnectionChangesTest, SubjectsCountWhereOneIsAdded) {
  ConnectionSettings changed = kSettings;
  changed.subjects = {"v@x"};
  changed.subject_patterns = {};
  EXPECT_THAT(ChangesOf(kSettings, changed), IsEmpty());
  EXPECT_THAT(ChangesOf(changed, kSettings), ElementsAre(Change::kSubjects));
  changed = kSettings;
  changed.subjects = {"u@x", "w@x"};
  EXPECT_THAT(ChangesOf(kSettings, changed), ElementsAre(Change::kSubjects))
      << "in another's place";
  changed = kSettings;
  changed.subject_patterns = {"*@x"};
  EXPECT_THAT(ChangesOf(kSettings, changed), ElementsAre(Change::kSubjects)) << "a wider one";
}

TEST(ConnectionChangesTest, ShowsWhatDiffersInAscii) {
  ConnectionSettings changed = kSettings;
  changed.subjects = {"\xC3\xBC@x"};
  changed.include_kid = true;
  const BeforeAndAfter difference = DifferenceOf(kSettings, changed);
  EXPECT_EQ(difference.before, R"({"subjects":["u@x","v@x"],"include_kid":false})");
  EXPECT_EQ(difference.after, R"({"subjects":["\u00fc@x"],"include_kid":true})");
  EXPECT_EQ(DifferenceOf(changed, changed).after, "{}");
  EXPECT_EQ(SettingsJson(ConnectionSettings()),
            R"({"consumer_key":"","environment":"PRODUCTION","login_url":"","audiences":[],)"
            R"("subjects":[],"subject_patterns":[],"include_kid":false})");
}

TEST(FreezeTest, OfOneOrOfAll) {
  registry::Contents contents;
  contents.connections = {{.name = "acme", .frozen = true}, {.name = "other"}};
  auto snapshot = *registry::Snapshot::New(contents);
  EXPECT_EQ(testing::CodeAndReason(CheckNotFrozen(*snapshot, "acme")),
            "FAILED_PRECONDITION CONNECTION_FROZEN");
  EXPECT_TRUE(CheckNotFrozen(*snapshot, "other").ok());
  EXPECT_TRUE(CheckNotFrozen(*snapshot, "absent").ok());
  contents.emergency_freeze = true;
  snapshot = *registry::Snapshot::New(contents);
  for (const char* name : {"acme", "other", "absent"}) {
    EXPECT_EQ(testing::CodeAndReason(CheckNotFrozen(*snapshot, name)),
              "FAILED_PRECONDITION EMERGENCY_FREEZE");
  }
}

}  // namespace
}  // namespace keyward::signer
