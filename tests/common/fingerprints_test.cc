#include "common/fingerprints.h"

#include <gtest/gtest.h>

#include "common/file.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/temp_dir.h"

namespace keyward {
namespace {

TEST(FingerprintsTest, AreThoseOfTheStandard) {
  // FIPS 180-4's example "abc".
  const Fingerprints fingerprints = *FingerprintsOf("abc");
  EXPECT_EQ(fingerprints.sha1, "A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D");
  EXPECT_EQ(fingerprints.sha256,
            "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:"
            "F2:00:15:AD");
}

TEST(FingerprintsTest, AreThoseThatOpensslPrints) {
  testing::TempDir dir;
  ASSERT_EQ(
      testing::Run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                    "/dev/null", "-subj", "/CN=acme", "-outform", "DER", "-out", dir.File("c.der")})
          .exit_code,
      0);
  const std::string der = *ReadFile(dir.File("c.der"));
  const auto print = [&](const std::string& hash) {
    return testing::Run({"openssl", "x509", "-inform", "DER", "-in", dir.File("c.der"), "-noout",
                         "-fingerprint", "-" + hash})
        .out;
  };
  const Fingerprints fingerprints = *FingerprintsOf(der);
  EXPECT_EQ(print("sha1"), "sha1 Fingerprint=" + fingerprints.sha1 + "\n");
  EXPECT_EQ(print("sha256"), "sha256 Fingerprint=" + fingerprints.sha256 + "\n");
}

}  // namespace
}  // namespace keyward
