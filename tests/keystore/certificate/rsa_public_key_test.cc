#include "common/rsa_public_key.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace keyward {
namespace {

// The key of RFC 7638 section 3.1.
constexpr char kModulus[] =
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP"
    "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY"
    "368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0f"
    "M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

TEST(RsaPublicKeyTest, ThumbprintOfRfc7638) {
  std::string modulus;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(kModulus, &modulus));
  const auto key = MakeRsaPublicKey(modulus, absl::string_view("\x01\x00\x01", 3));
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(*JwkThumbprint(**key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST(RsaPublicKeyTest, RefusesWhatIsNoRsaCertificate) {
  EXPECT_TRUE(absl::IsInvalidArgument(PublicKeyOfCertificate("").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(PublicKeyOfCertificate("not DER at all").status()));
}

}  // namespace
}  // namespace keyward
