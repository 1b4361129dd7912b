#include "signer/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/counter.h>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "tests/signer/watched_versions.h"

namespace keyward::signer {
namespace {

using registry::VersionState;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class MetricsTest : public ::testing::Test {
 protected:
  // Lines that are values, without the help.
  std::vector<std::string> Values(absl::Time now) const {
    std::vector<std::string> values;
    const std::string text = metrics_.Text(now);
    for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      if (!absl::StartsWith(line, "#")) values.emplace_back(line);
    }
    return values;
  }

  registry::SnapshotHolder snapshots_{EveryEnd()};
  server::Health health_{.state = server::Health::State::kServing};
  Metrics metrics_{snapshots_, [this] { return health_; }};
};

TEST_F(MetricsTest, CertificatesThatEndSoonLaterAndEarlier) {
  const char kEnd[] = "keyward_certificate_expiry_timestamp_seconds";
  const std::string series = std::string(kEnd) + R"({connection="acme",key_version=")";
  EXPECT_THAT(Values(kNow), ElementsAre(HasSubstr("keyward_build_info{version=\"0."),
                                        "keyward_serving 1", "keyward_certificates_expiring 3",
                                        series + "1\"} 1802678400", series + "2\"} 1802505600",
                                        series + "3\"} 1800000000", series + "4\"} 1799913600"));
  EXPECT_THAT(metrics_.Text(kNow), AllOf(HasSubstr("# TYPE keyward_serving gauge\n"),
                                         HasSubstr(std::string("# TYPE ") + kEnd + " gauge\n"),
                                         HasSubstr("within 30 days")));
}

TEST_F(MetricsTest, DaysThatPassAreSeenAtTheNextScrape) {
  EXPECT_THAT(metrics_.Text(kNow - 100 * kDay), HasSubstr("\nkeyward_certificates_expiring 0\n"));
  EXPECT_THAT(metrics_.Text(kNow), HasSubstr("\nkeyward_certificates_expiring 3\n"));
  EXPECT_THAT(metrics_.Text(kNow + kDay), HasSubstr("\nkeyward_certificates_expiring 4\n"));
}

TEST_F(MetricsTest, AChangeOfTheRegistryIsSeenAtTheNextScrape) {
  EXPECT_THAT(metrics_.Text(kNow), HasSubstr("connection=\"acme\""));
  snapshots_.Set(SnapshotOf({{"globex", 7, VersionState::kActive, kNow + 700 * kDay}}));
  EXPECT_THAT(metrics_.Text(kNow),
              AllOf(Not(HasSubstr("acme")), HasSubstr("{connection=\"globex\",key_version=\"7\"}"),
                    HasSubstr("\nkeyward_certificates_expiring 0\n")));
}

TEST_F(MetricsTest, ServingFollowsHealth) {
  for (const auto state : {server::Health::State::kNotServing, server::Health::State::kDraining}) {
    health_.state = state;
    EXPECT_THAT(metrics_.Text(kNow), HasSubstr("\nkeyward_serving 0\n"));
  }
}

TEST_F(MetricsTest, OtherPartsCountInItsRegistry) {
  auto& counter = prometheus::BuildCounter()
                      .Name("keyward_test_total")
                      .Help("Of this test.")
                      .Register(metrics_.registry())
                      .Add({});
  counter.Increment();
  EXPECT_THAT(metrics_.Text(kNow), HasSubstr("\nkeyward_test_total 1\n"));
}

}  // namespace
}  // namespace keyward::signer
