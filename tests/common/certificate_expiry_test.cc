#include "common/certificate_expiry.h"

#include <gtest/gtest.h>

namespace keyward {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1800000000);
constexpr absl::Duration kDay = absl::Hours(24);

struct Case {
  absl::Duration left;
  const char* name;
  int64_t days;
  const char* text;
};

TEST(CertificateExpiryTest, SaysHowNearTheEndIs) {
  const Case cases[] = {
      {365 * kDay, "OK", 365, "ok"},
      {31 * kDay, "OK", 31, "ok"},
      {30 * kDay + absl::Seconds(1), "OK", 30, "ok"},
      {30 * kDay, "EXPIRING", 30, "expires in 30 days"},
      {30 * kDay - absl::Seconds(1), "EXPIRING", 29, "expires in 29 days"},
      {29 * kDay, "EXPIRING", 29, "expires in 29 days"},
      {2 * kDay - absl::Seconds(1), "EXPIRING", 1, "expires in 1 day"},
      {kDay - absl::Seconds(1), "EXPIRING", 0, "expires within a day"},
      {absl::ZeroDuration(), "EXPIRING", 0, "expires within a day"},
      {-absl::Seconds(1), "EXPIRED", -1, "EXPIRED"},
      {-kDay, "EXPIRED", -1, "EXPIRED"},
      {-kDay - absl::Seconds(1), "EXPIRED", -2, "EXPIRED"},
  };
  for (const Case& c : cases) {
    const absl::Time not_after = kNow + c.left;
    EXPECT_EQ(CertificateStatusName(CertificateStatusAt(not_after, kNow)), c.name) << c.left;
    EXPECT_EQ(CertificateDaysLeft(not_after, kNow), c.days) << c.left;
    EXPECT_EQ(CertificateStatusText(not_after, kNow), c.text) << c.left;
  }
}

}  // namespace
}  // namespace keyward
