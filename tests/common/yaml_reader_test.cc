#include "common/yaml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyward {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string WhyNotParsed(absl::string_view text) {
  return std::string(ParseYaml(text, "f.yaml").status().message());
}

TEST(ParseYamlTest, ReadsScalarsListsAndMappingsWithTheirLines) {
  const auto root = ParseYaml("a: 1\nb:\n  - \"x\"\n  - y\nc:\n", "f.yaml");
  ASSERT_TRUE(root.ok()) << root.status();
  ASSERT_EQ(root->kind, YamlNode::Kind::kMapping);
  ASSERT_THAT(root->entries, SizeIs(3));
  EXPECT_EQ(root->entries[0].key, "a");
  EXPECT_TRUE(root->entries[0].value.plain);
  const YamlNode& list = root->entries[1].value;
  ASSERT_THAT(list.items, SizeIs(2));
  EXPECT_EQ(list.items[0].text, "x");
  EXPECT_FALSE(list.items[0].plain);
  EXPECT_EQ(list.items[1].line, 4);
  EXPECT_EQ(root->entries[2].value.kind, YamlNode::Kind::kNull);
}

TEST(ParseYamlTest, AnEmptyFileIsNull) {
  for (const char* text : {"", "\n\n", "# nothing\n", "---\n"}) {
    const auto root = ParseYaml(text, "f.yaml");
    ASSERT_TRUE(root.ok()) << root.status();
    EXPECT_EQ(root->kind, YamlNode::Kind::kNull);
  }
}

TEST(ParseYamlTest, KeepsAKeyThatIsThereTwice) {
  EXPECT_THAT(ParseYaml("a: 1\na: 2\n", "f.yaml")->entries, SizeIs(2));
}

TEST(ParseYamlTest, RefusesWhatSettingsDoNotNeed) {
  EXPECT_THAT(WhyNotParsed("a: [1\nb: 2\n"), StartsWith("f.yaml:2: not YAML: "));
  for (const char* text : {"a: 1\n\tb: 2\n", "a:\n\tb: 1\n", "a:\n  \tb: 1\n"}) {
    EXPECT_EQ(WhyNotParsed(text), "f.yaml:2: not YAML: tabs may not indent; use spaces");
  }
  EXPECT_THAT(WhyNotParsed("a:\t'b\n"), Not(HasSubstr("tabs")));
  EXPECT_THAT(WhyNotParsed("\ta: 1\n"), StartsWith("f.yaml:1: not YAML: tabs"));
  EXPECT_THAT(WhyNotParsed("a: &x 1\n"), HasSubstr("f.yaml:1: anchors"));
  EXPECT_THAT(WhyNotParsed("a: &x [1]\n"), HasSubstr("anchors"));
  EXPECT_THAT(WhyNotParsed("a: &x\nb: *x\n"), HasSubstr("anchors"));
  EXPECT_THAT(WhyNotParsed("a: !secret 1\n"), HasSubstr("tags"));
  EXPECT_THAT(WhyNotParsed("a: !!map {b: 1}\n"), HasSubstr("tags"));
  EXPECT_THAT(WhyNotParsed("[1]: 2\n"), HasSubstr("a key must be a word"));
  EXPECT_THAT(WhyNotParsed("? {a: 1}\n: 2\n"), HasSubstr("a key must be a word"));
  EXPECT_THAT(WhyNotParsed("a: 1\n---\nb: 2\n"), HasSubstr("second document"));
}

TEST(ParseYamlTest, LimitsTheDepth) {
  EXPECT_TRUE(ParseYaml(std::string(16, '[') + std::string(16, ']'), "f.yaml").ok());
  EXPECT_THAT(WhyNotParsed(std::string(17, '[') + std::string(17, ']')), HasSubstr("levels"));
  EXPECT_FALSE(ParseYaml(std::string(100000, '['), "f.yaml").ok());
}

class YamlReaderTest : public ::testing::Test {
 protected:
  YamlReader Root(absl::string_view text) {
    absl::StatusOr<YamlNode> parsed = ParseYaml(text, "f.yaml");
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    document_ = *std::move(parsed);
    return {document_, mistakes_};
  }
  std::string Mistakes() const { return std::string(mistakes_.ToStatus().message()); }

  YamlNode document_;
  YamlMistakes mistakes_{"f.yaml"};
};

TEST_F(YamlReaderTest, ReadsWhatIsAskedFor) {
  const YamlReader root = Root("n: -5\nt: text\nb: true\nl: [x, y]\nm: {k: v}\n");
  EXPECT_TRUE(root.ReadMapping({"n", "t", "b", "l", "m"}));
  EXPECT_EQ(root.Find("n")->Integer(-5, 0), -5);
  EXPECT_EQ(root.Find("t")->Text(), "text");
  EXPECT_EQ(root.Find("b")->Boolean(), true);
  EXPECT_EQ(root.Find("l")->Items()[1].Text(), "y");
  EXPECT_EQ(root.Find("l")->Items()[1].path(), "l[1]");
  EXPECT_EQ(root.Find("m")->Find("k")->path(), "m.k");
  EXPECT_FALSE(root.Find("absent"));
  EXPECT_TRUE(mistakes_.ToStatus().ok()) << Mistakes();
}

TEST_F(YamlReaderTest, NamesEveryMistakeInTheOrderOfTheFile) {
  const YamlReader root = Root("a: 1\nsessons: 2\na: 3\nn: 0\n");
  EXPECT_FALSE(root.Find("n")->Integer(1, 256));
  EXPECT_TRUE(root.ReadMapping({"a", "n", "sessions"}));
  EXPECT_FALSE(root.Require("missing", "a word"));
  EXPECT_EQ(Mistakes(),
            "f.yaml:1: missing: is missing: a word\n"
            "f.yaml:2: sessons: unknown key (did you mean sessions?)\n"
            "f.yaml:3: a: is there twice, first in line 1\n"
            "f.yaml:4: n: must be 1..256, is 0");
  EXPECT_TRUE(absl::IsInvalidArgument(mistakes_.ToStatus()));
}

TEST_F(YamlReaderTest, AnIntegerIsPlainDecimalDigits) {
  for (const char* text : {"\"5\"", "5.0", "5e0", "0x5", "+5", "five", "", "[5]", "{a: 5}",
                           "99999999999999999999", "--5", "5 6", "1_0"}) {
    const YamlReader root = Root(std::string("n: ") + text + "\n");
    EXPECT_FALSE(root.Find("n")->Integer(0, 9)) << text;
    EXPECT_THAT(Mistakes(), HasSubstr("n: must be 0..9")) << text;
  }
}

TEST_F(YamlReaderTest, ABooleanIsTrueOrFalse) {
  for (const char* text : {"yes", "True", "\"true\"", "1", "", "[true]"}) {
    EXPECT_FALSE(Root(std::string("b: ") + text + "\n").Find("b")->Boolean()) << text;
  }
  EXPECT_EQ(Root("b: false\n").Find("b")->Boolean(), false);
}

TEST_F(YamlReaderTest, ATextIsNotEmptyAndHasNoControlCharacters) {
  for (const char* text : {"", "~", "\"\"", "\"a\\nb\"", "\"a\\0b\"", "[a]", "{a: b}"}) {
    EXPECT_FALSE(Root(std::string("t: ") + text + "\n").Find("t")->Text()) << text;
  }
}

TEST_F(YamlReaderTest, TheWrongKindIsNamed) {
  EXPECT_FALSE(Root("- a\n").ReadMapping({"a"}));
  EXPECT_THAT(Root("a: b\n").Find("a")->Items(), IsEmpty());
  EXPECT_THAT(Mistakes(), HasSubstr("f.yaml:1: must be a mapping, is a list"));
  EXPECT_THAT(Mistakes(), HasSubstr("a: must be a list, is a single value"));
}

TEST(DidYouMeanTest, ProposesOnlyWhatIsNear) {
  EXPECT_EQ(DidYouMean("sgin", {"sign", "view"}), "");
  EXPECT_EQ(DidYouMean("sing", {"view", "sign"}), "");
  EXPECT_EQ(DidYouMean("sin", {"view", "sign"}), " (did you mean sign?)");
  EXPECT_EQ(DidYouMean("manage-conections", {"manage-connections"}),
            " (did you mean manage-connections?)");
  EXPECT_EQ(DidYouMean("x", {}), "");
}

}  // namespace
}  // namespace keyward
