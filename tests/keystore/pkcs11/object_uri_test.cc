#include "keystore/pkcs11/object_uri.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "keystore/pkcs11/token_uri.h"

namespace keyward::pkcs11 {
namespace {

void Fill(CK_UTF8CHAR* field, size_t size, const std::string& text) {
  std::fill_n(field, size, ' ');
  std::copy(text.begin(), text.end(), field);
}

CK_TOKEN_INFO TokenInfo(const std::string& label) {
  CK_TOKEN_INFO info{};
  Fill(info.label, sizeof(info.label), label);
  Fill(info.serialNumber, sizeof(info.serialNumber), "1234");
  Fill(info.manufacturerID, sizeof(info.manufacturerID), "Acme; Co");
  Fill(info.model, sizeof(info.model), "");
  return info;
}

TEST(ObjectUriTest, ReadsEveryAttribute) {
  const auto uri = ObjectUri::Parse(
      "pkcs11:token=prod%20keys;serial=1234;object=keyward%2Facme%2f1;id=%00%01%fF;type=private"
      "?module-path=/usr/lib/m.so&pin-source=file:/etc/keyward/pin");
  ASSERT_TRUE(uri.ok()) << uri.status();
  EXPECT_TRUE(uri->NamesToken());
  EXPECT_TRUE(uri->MatchesToken(TokenInfo("prod keys")));
  EXPECT_FALSE(uri->MatchesToken(TokenInfo("prod")));
  EXPECT_TRUE(uri->NamesObject());
  EXPECT_EQ(uri->object(), "keyward/acme/1");
  EXPECT_EQ(uri->id(), std::string("\x00\x01\xff", 3));
  EXPECT_EQ(uri->object_class(), CKO_PRIVATE_KEY);
  EXPECT_EQ(uri->module_path(), "/usr/lib/m.so");
  EXPECT_EQ(uri->pin_source(), "/etc/keyward/pin");
  EXPECT_FALSE(uri->pin_value().has_value());
}

TEST(ObjectUriTest, AnEmptyUriNamesNothingAndMatchesEveryToken) {
  const auto uri = ObjectUri::Parse("pkcs11:");
  ASSERT_TRUE(uri.ok()) << uri.status();
  EXPECT_FALSE(uri->NamesToken());
  EXPECT_FALSE(uri->NamesObject());
  EXPECT_TRUE(uri->MatchesToken(TokenInfo("any")));
}

TEST(ObjectUriTest, ReadsTheOtherTypes) {
  EXPECT_EQ(ObjectUri::Parse("pkcs11:type=public")->object_class(), CKO_PUBLIC_KEY);
  EXPECT_EQ(ObjectUri::Parse("pkcs11:type=cert")->object_class(), CKO_CERTIFICATE);
  EXPECT_TRUE(ObjectUri::Parse("pkcs11:type=cert")->NamesObject());
}

TEST(ObjectUriTest, ReadsAPinOverAndOver) {
  const auto uri = ObjectUri::Parse("pkcs11:token=x?pin-value=47%2b11");
  ASSERT_TRUE(uri.ok()) << uri.status();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(uri->pin_value()->Expose(), "47+11");
}

TEST(ObjectUriTest, APinSourceIsAFileHoweverItIsWritten) {
  for (const char* source : {"/etc/pin", "file:/etc/pin", "file:///etc/pin", "file:%2Fetc%2Fpin"}) {
    const auto uri = ObjectUri::Parse(std::string("pkcs11:?pin-source=") + source);
    ASSERT_TRUE(uri.ok()) << uri.status();
    EXPECT_EQ(uri->pin_source(), "/etc/pin") << source;
  }
}

struct Refused {
  std::string uri;
  const char* sentence;
};

class RefusedObjectUriTest : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedObjectUriTest, IsRefusedWithWhatToChange) {
  const auto uri = ObjectUri::Parse(GetParam().uri);
  ASSERT_TRUE(absl::IsInvalidArgument(uri.status())) << GetParam().uri;
  EXPECT_TRUE(absl::StrContains(uri.status().message(), GetParam().sentence))
      << uri.status().message();
  EXPECT_FALSE(absl::StrContains(uri.status().message(), "4711")) << "a PIN is repeated";
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedObjectUriTest,
    ::testing::Values(
        Refused{"", "not an RFC 7512 URI"}, Refused{"file:/4711", "not an RFC 7512 URI"},
        Refused{"pkcs11:object=%4", "not an RFC 7512 URI"},
        Refused{"pkcs11:object=%zz?pin-value=4711", "not an RFC 7512 URI"},
        Refused{"pkcs11:id=%xx", "not an RFC 7512 URI"},
        Refused{"pkcs11:object", "not an RFC 7512 URI"},
        Refused{std::string("pkcs11:object=a\0;type=cert", 26), "not an RFC 7512 URI"},
        Refused{"pkcs11:colour=red?pin-value=4711", "does not search by"},
        Refused{"pkcs11:slot-id=1", "does not search by"},
        Refused{"pkcs11:slot-description=x", "does not search by"},
        Refused{"pkcs11:library-version=3", "does not search by"},
        Refused{"pkcs11:library-description=x", "does not search by"},
        Refused{"pkcs11:type=key", "private, public or cert"},
        Refused{"pkcs11:type=secret-key", "private, public or cert"},
        Refused{"pkcs11:type=data", "private, public or cert"},
        Refused{"pkcs11:?pin-value=4711&pin-source=/4711", "both pin-value and pin-source"},
        Refused{"pkcs11:?pin-source=%7Ccat%204711", "is no file"},
        Refused{"pkcs11:?pin-source=4711", "is no file"},
        Refused{"pkcs11:?pin-source=file://host/4711", "is no file"},
        Refused{"pkcs11:?pin-source=https:%2F%2Fx/4711", "is no file"},
        Refused{"pkcs11:?module-path=m.so&pin-value=4711", "not an absolute path"},
        Refused{"pkcs11:?module-name=softhsm", "module-path"}));

TEST(FormatObjectUriTest, ParsesBackToTheSameObject) {
  const std::string key_id("\x00;/\xff", 4);
  const CK_TOKEN_INFO token = TokenInfo("prod keys");
  const std::string text = FormatObjectUri(token, "keyward/acme;/1", key_id, CKO_PRIVATE_KEY);
  const auto uri = ObjectUri::Parse(text);
  ASSERT_TRUE(uri.ok()) << text << ": " << uri.status();
  EXPECT_TRUE(uri->MatchesToken(token)) << text;
  EXPECT_FALSE(uri->MatchesToken(TokenInfo("prod")));
  EXPECT_EQ(uri->object(), "keyward/acme;/1") << text;
  EXPECT_EQ(uri->id(), key_id) << text;
  EXPECT_EQ(uri->object_class(), CKO_PRIVATE_KEY);
  EXPECT_FALSE(absl::StrContains(text, "model=")) << text << ": a blank attribute says nothing";
}

TEST(FormatObjectUriTest, LeavesOutWhatIsEmpty) {
  const std::string text = FormatObjectUri(TokenInfo("t"), "", "", CKO_CERTIFICATE);
  EXPECT_FALSE(absl::StrContains(text, "object=")) << text;
  EXPECT_FALSE(absl::StrContains(text, "id=")) << text;
  EXPECT_TRUE(absl::StrContains(text, "type=cert")) << text;
}

}  // namespace
}  // namespace keyward::pkcs11
