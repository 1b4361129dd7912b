#include "keystore/pkcs11/token_uri.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/match.h"

namespace keyward::pkcs11 {
namespace {

CK_TOKEN_INFO TokenInfo(const std::string& label, const std::string& serial) {
  CK_TOKEN_INFO info{};
  std::fill_n(info.label, sizeof(info.label), ' ');
  std::fill_n(info.serialNumber, sizeof(info.serialNumber), ' ');
  std::copy(label.begin(), label.end(), info.label);
  std::copy(serial.begin(), serial.end(), info.serialNumber);
  return info;
}

TEST(TokenUriTest, MatchesByEveryAttributeGiven) {
  const auto uri = TokenUri::Parse("pkcs11:token=prod%20keys;serial=1234");
  ASSERT_TRUE(uri.ok()) << uri.status();
  EXPECT_TRUE(uri->Matches(TokenInfo("prod keys", "1234")));
  EXPECT_FALSE(uri->Matches(TokenInfo("prod keys", "1235")));
  EXPECT_FALSE(uri->Matches(TokenInfo("prod", "1234")));
}

struct Refused {
  const char* uri;
  const char* sentence;
};

class RefusedUriTest : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedUriTest, IsRefusedWithWhatToChange) {
  const auto uri = TokenUri::Parse(GetParam().uri);
  EXPECT_TRUE(absl::IsInvalidArgument(uri.status()));
  EXPECT_TRUE(absl::StrContains(uri.status().message(), GetParam().sentence))
      << uri.status().message();
  EXPECT_FALSE(absl::StrContains(uri.status().message(), "4711")) << "a PIN is repeated";
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedUriTest,
    ::testing::Values(Refused{"", "not an RFC 7512 URI"}, Refused{"token=x", "not an RFC 7512 URI"},
                      Refused{"pkcs11:token=%zz", "not an RFC 7512 URI"},
                      Refused{"pkcs11:", "names no token"},
                      Refused{"pkcs11:token=x?pin-value=4711", "token.pin"},
                      Refused{"pkcs11:token=x?pin-source=file:/4711", "token.pin"},
                      Refused{"pkcs11:token=x?module-path=/m.so", "token.module"},
                      Refused{"pkcs11:token=x;object=key", "names an object"},
                      Refused{"pkcs11:token=x;colour=red", "RFC 7512 does not know"}));

}  // namespace
}  // namespace keyward::pkcs11
