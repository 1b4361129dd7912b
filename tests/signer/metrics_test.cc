#include "signer/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/counter.h>

#include <chrono>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/signer/watched_versions.h"

namespace keyward::signer {
namespace {

using registry::VersionState;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class MetricsTest : public ::testing::Test {
 protected:
  // Lines that are values, without the help, and begin with `name`.
  std::vector<std::string> Values(absl::Time now, absl::string_view name) const {
    std::vector<std::string> values;
    const std::string text = metrics_.Text(now);
    for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      if (absl::StartsWith(line, name)) values.emplace_back(line);
    }
    return values;
  }

  registry::SnapshotHolder snapshots_{EveryEnd()};
  server::Health health_{.state = server::Health::State::kServing};
  size_t queue_length_ = 0;
  pkcs11::SessionPoolStats sessions_;
  absl::Time tls_certificate_end_ = kNow;
  QuotaRefusals quota_refusals_;
  server::ConnectionStats client_connections_;
  Metrics metrics_{{.snapshots = snapshots_,
                    .health = [this] { return health_; },
                    .queue_length = [this] { return queue_length_; },
                    .sessions = [this] { return sessions_; },
                    .tls_certificate_end = [this] { return tls_certificate_end_; },
                    .client_crl_end = nullptr,
                    .quota_refusals = [this] { return quota_refusals_; },
                    .client_connections = [this] { return client_connections_; }}};
};

TEST_F(MetricsTest, CertificatesThatEndSoonLaterAndEarlier) {
  const char kEnd[] = "keyward_certificate_expiry_timestamp_seconds";
  const std::string series = std::string(kEnd) + R"({connection="acme",key_version=")";
  EXPECT_THAT(Values(kNow, "keyward_build_info"),
              ElementsAre(HasSubstr("keyward_build_info{version=\"0.")));
  EXPECT_THAT(Values(kNow, "keyward_serving"), ElementsAre("keyward_serving 1"));
  EXPECT_THAT(Values(kNow, "keyward_certificate"),
              ElementsAre("keyward_certificates_expiring 3", series + "1\"} 1802678400",
                          series + "2\"} 1802505600", series + "3\"} 1800000000",
                          series + "4\"} 1799913600"));
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

TEST_F(MetricsTest, RefusalsByQuotaAreToldApartByWhoseItWas) {
  quota_refusals_ = {.of_identity = 7, .of_connection = 3};
  EXPECT_THAT(Values(kNow, "keyward_quota_refusals_total"),
              ElementsAre("keyward_quota_refusals_total{kind=\"identity\"} 7",
                          "keyward_quota_refusals_total{kind=\"connection\"} 3"));
}

TEST_F(MetricsTest, ConnectionsOfClients) {
  client_connections_ = {.open = 5, .refused = 7, .displaced = 3};
  EXPECT_THAT(Values(kNow, "keyward_client_connections"),
              ElementsAre("keyward_client_connections 5",
                          "keyward_client_connections_turned_away_total{how=\"refused\"} 7",
                          "keyward_client_connections_turned_away_total{how=\"displaced\"} 3"));
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

TEST_F(MetricsTest, TheSigningPathIsShownAsItIsAtTheScrape) {
  EXPECT_THAT(Values(kNow, "keyward_sign_queue"), ElementsAre("keyward_sign_queue_length 0"));
  queue_length_ = 17;
  sessions_ = {.sessions = 4, .in_use = 3, .recoveries = 2, .failed_recoveries = 5};
  EXPECT_THAT(Values(kNow, "keyward_sign_queue"), ElementsAre("keyward_sign_queue_length 17"));
  EXPECT_THAT(Values(kNow, "keyward_session"),
              ElementsAre("keyward_sessions 4", "keyward_sessions_in_use 3",
                          "keyward_session_recoveries_total{outcome=\"recovered\"} 2",
                          "keyward_session_recoveries_total{outcome=\"failed\"} 5"));
  EXPECT_THAT(metrics_.Text(kNow), HasSubstr("# TYPE keyward_session_recoveries_total counter\n"));
}

TEST_F(MetricsTest, TheTlsCertificateThatIsShownNow) {
  constexpr char kEnd[] = "keyward_tls_certificate_expiry_timestamp_seconds";
  EXPECT_THAT(Values(kNow, kEnd), ElementsAre(absl::StrCat(kEnd, " 1800000000")));
  tls_certificate_end_ += kDay;
  EXPECT_THAT(Values(kNow, kEnd), ElementsAre(absl::StrCat(kEnd, " 1800086400")));
  const Metrics without({.snapshots = snapshots_,
                         .health = [this] { return health_; },
                         .queue_length = [] { return 0; },
                         .sessions = [this] { return sessions_; },
                         .tls_certificate_end = nullptr,
                         .client_crl_end = nullptr});
  EXPECT_THAT(without.Text(kNow), Not(HasSubstr(kEnd)));
}

TEST_F(MetricsTest, TheEndOfTheClientsCrlWhereThereIsOne) {
  EXPECT_THAT(metrics_.Text(kNow), Not(HasSubstr("keyward_client_crl")));
  const Metrics with({.snapshots = snapshots_,
                      .health = [this] { return health_; },
                      .queue_length = [] { return 0; },
                      .sessions = [this] { return sessions_; },
                      .tls_certificate_end = nullptr,
                      .client_crl_end = [] { return kNow; }});
  EXPECT_THAT(with.Text(kNow),
              HasSubstr("\nkeyward_client_crl_expiry_timestamp_seconds 1800000000\n"));
}

TEST_F(MetricsTest, EveryMethodOfTheSignersServicesIsCounted) {
  EXPECT_THAT(Values(kNow, "keyward_calls_total"), SizeIs(27));
  metrics_.calls().Count("Sign", grpc::Status::OK);
  metrics_.calls().Count("PreferAudience", grpc::Status::OK);
  metrics_.calls().Count("InspectKeyVersion", {grpc::StatusCode::NOT_FOUND, ""});
  EXPECT_THAT(
      Values(kNow, "keyward_calls_total"),
      AllOf(Contains("keyward_calls_total{code=\"OK\",method=\"Sign\"} 1"),
            Contains("keyward_calls_total{code=\"OK\",method=\"PreferAudience\"} 1"),
            Contains("keyward_calls_total{code=\"NOT_FOUND\",method=\"InspectKeyVersion\"} 1"),
            Contains("keyward_calls_total{code=\"OK\",method=\"InspectKeyVersion\"} 0")));
}

TEST_F(MetricsTest, TimesGoIntoTheHistogramOfTheirPhase) {
  using Phase = SignTimes::Phase;
  const SignTimes::Clock::time_point now = SignTimes::Clock::now();
  metrics_.sign_times().ObserveSince(now - std::chrono::seconds(60), Phase::kQueue);
  metrics_.sign_times().ObserveSince(now - std::chrono::seconds(60), Phase::kToken);
  metrics_.sign_times().ObserveSince(now - std::chrono::seconds(60), Phase::kToken);
  for (int i = 0; i < 3; ++i) metrics_.sign_times().ObserveSince(now, Phase::kAudit);
  for (int i = 0; i < 4; ++i) metrics_.sign_times().ObserveSince(now, Phase::kTotal);
  EXPECT_THAT(Values(kNow, "keyward_sign_seconds_count"),
              UnorderedElementsAre("keyward_sign_seconds_count{phase=\"queue\"} 1",
                                   "keyward_sign_seconds_count{phase=\"token\"} 2",
                                   "keyward_sign_seconds_count{phase=\"audit\"} 3",
                                   "keyward_sign_seconds_count{phase=\"total\"} 4"));
  EXPECT_THAT(Values(kNow, "keyward_sign_seconds_bucket{phase=\"token\""),
              AllOf(SizeIs(17), Contains(HasSubstr("le=\"0.0001\"} 0")),
                    Contains(HasSubstr("le=\"10\"} 0")), Contains(HasSubstr("le=\"+Inf\"} 2"))));
}

}  // namespace
}  // namespace keyward::signer
