#include "signer/key_conversions.h"

#include <gtest/gtest.h>

#include "common/utf8.h"
#include "tests/signer/watched_versions.h"

namespace keyward::signer {
namespace {

KeyInspection Inspection(const std::string& label) {
  const auto snapshot = SnapshotOf({{"acme", 1, registry::VersionState::kActive, kNow}});
  KeyInspection inspection;
  inspection.version = *snapshot->VersionsThatMaySign().front();
  inspection.details.label = label;
  inspection.details.uri = "pkcs11:object=" + label;
  inspection.details.key_id = "\xFF";
  inspection.refusal = label;
  return inspection;
}

TEST(KeyConversionsTest, ALabelThatIsNotUtf8IsEscaped) {
  const std::string label = std::string(70, 'a') + "caf\xE9\n";
  auto proto = ToProto(Inspection(label));
  ASSERT_TRUE(proto.ok()) << proto.status();
  AddLocation(Inspection(label), *proto);
  EXPECT_EQ(proto->label(), std::string(70, 'a') + "caf\\xe9\\n");
  EXPECT_TRUE(IsValidUtf8(proto->uri()));
  EXPECT_TRUE(IsValidUtf8(proto->refusal()));
  EXPECT_EQ(proto->key_id(), "\xFF");
  v1::KeyVersionDetails read;
  EXPECT_TRUE(read.ParseFromString(proto->SerializeAsString()));
}

TEST(KeyConversionsTest, OtherLabelsStayAsTheyAre) {
  v1::KeyVersionDetails proto;
  AddLocation(Inspection("caf\u00E9 \"1\""), proto);
  EXPECT_EQ(proto.label(), "caf\u00E9 \"1\"");
}

TEST(KeyConversionsTest, WhereTheKeyLiesIsToldOnlyWhenAskedFor) {
  const auto proto = ToProto(Inspection("somewhere"));
  ASSERT_TRUE(proto.ok()) << proto.status();
  EXPECT_EQ(proto->uri(), "");
  EXPECT_EQ(proto->label(), "");
  EXPECT_EQ(proto->key_id(), "");
  EXPECT_EQ(proto->key_version().number(), 1U);
}

}  // namespace
}  // namespace keyward::signer
