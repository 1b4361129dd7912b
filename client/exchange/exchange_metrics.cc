#include "client/exchange/exchange_metrics.h"

#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

#include "common/error.h"
#include "common/server/metric_families.h"
#include "keyward/v1/exchange.pb.h"

namespace keyward::exchange {
namespace {

using prometheus::Histogram;

// Seconds. A login takes tens to hundreds of milliseconds; callers that wait for a
// minute have mostly gone.
Histogram::BucketBoundaries Buckets() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
}

// In the order of CallKind and of LoginCause.
constexpr const char* kResults[] = {"hit", "login", "joined", "remembered_refusal", "refused"};
constexpr const char* kCauses[] = {"miss", "refresh", "rejected"};

constexpr size_t kMaxResults = 100;

prometheus::Family<prometheus::Counter>& CounterFamily(prometheus::Registry& registry,
                                                       const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::MetricFamily CertificateEnd(const char* name, std::string help, absl::Time end) {
  return server::SingleGauge(name, std::move(help), static_cast<double>(absl::ToUnixSeconds(end)));
}

}  // namespace

ExchangeMetrics::ExchangeMetrics(MetricsSources sources)
    : sources_(std::move(sources)),
      calls_(registry_, {v1::ExchangeRequest::descriptor()->file()->FindServiceByName("Exchange")}),
      logins_(CounterFamily(registry_, "keyward_exchange_logins_total",
                            "Tries to log in at Salesforce by how they ended: \"granted\" or the "
                            "reason of docs/errors.md.")),
      seconds_(prometheus::BuildHistogram()
                   .Name("keyward_exchange_login_seconds")
                   .Help("Where the time of a login went: waiting for a thread, at the signer, at "
                         "the login host.")
                   .Register(registry_)),
      queue_(seconds_.Add({{"phase", "queue"}}, Buckets())),
      signer_(seconds_.Add({{"phase", "signer"}}, Buckets())),
      network_(seconds_.Add({{"phase", "network"}}, Buckets())),
      waited_(prometheus::BuildHistogram()
                  .Name("keyward_exchange_wait_seconds")
                  .Help("How long calls that were not answered from memory waited.")
                  .Register(registry_)
                  .Add({}, Buckets())) {
  server::AddBuildInfo(registry_, "keyward-exchange", KEYWARD_VERSION);
  auto& lookups = CounterFamily(registry_, "keyward_exchange_lookups_total",
                                "Calls for a token by how they were served.");
  for (size_t i = 0; i < lookups_.size(); ++i)
    lookups_[i] = &lookups.Add({{"result", kResults[i]}});
  auto& causes = CounterFamily(registry_, "keyward_exchange_login_causes_total",
                               "Tries to log in by why they were made.");
  for (size_t i = 0; i < causes_.size(); ++i) causes_[i] = &causes.Add({{"cause", kCauses[i]}});
}

void ExchangeMetrics::OnCall(client::CallKind kind, const absl::Status& /*outcome*/,
                             absl::Duration waited) {
  lookups_[static_cast<size_t>(kind)]->Increment();
  if (kind == client::CallKind::kLogin || kind == client::CallKind::kJoined) {
    waited_.Observe(absl::ToDoubleSeconds(waited));
  }
}

prometheus::Counter& ExchangeMetrics::LoginsEnded(const absl::Status& outcome) {
  std::string result = outcome.ok() ? "granted" : ReasonOf(outcome).value_or("INTERNAL");
  {
    MutexLock lock(&mutex_);
    // The signer's reasons come over the network: were they anything but words of its
    // program, there would still be no more series than this.
    if (!results_.contains(result) && results_.size() >= kMaxResults) result = "OTHER";
    results_.insert(result);
  }
  return logins_.Add({{"result", result}});
}

void ExchangeMetrics::OnLogin(client::LoginCause cause, const absl::Status& outcome,
                              const client::LoginTimes& times) {
  causes_[static_cast<size_t>(cause)]->Increment();
  LoginsEnded(outcome).Increment();
  queue_.Observe(absl::ToDoubleSeconds(times.queue));
  if (times.signer > absl::ZeroDuration()) signer_.Observe(absl::ToDoubleSeconds(times.signer));
  if (times.posts > 0) network_.Observe(absl::ToDoubleSeconds(times.network));
}

std::string ExchangeMetrics::Text() const {
  using server::SingleGauge;
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  families.push_back(
      SingleGauge("keyward_serving", "1 while calls are taken, 0 while the daemon drains.",
                  sources_.health().state == server::Health::State::kServing ? 1 : 0));
  families.push_back(SingleGauge(
      "keyward_exchange_signer_answers",
      "1 while the signer answered when it was last asked for a connection; without it nobody "
      "can log in.",
      sources_.signer_answers() ? 1 : 0));
  const client::AccessTokensStats stats = sources_.tokens();
  families.push_back(SingleGauge("keyward_exchange_entries",
                                 "Connections with a subject that are in memory.",
                                 static_cast<double>(stats.entries)));
  families.push_back(SingleGauge("keyward_exchange_tokens", "Those of them with an access token.",
                                 static_cast<double>(stats.tokens)));
  families.push_back(SingleGauge("keyward_exchange_waiting", "Calls that wait for a login.",
                                 static_cast<double>(stats.waiting)));
  families.push_back(SingleGauge("keyward_exchange_logins_under_way",
                                 "Logins queued, running or waiting to be tried again.",
                                 static_cast<double>(stats.logins)));
  families.push_back(SingleGauge("keyward_exchange_open_circuits",
                                 "Login hosts that are left alone because they do not answer.",
                                 static_cast<double>(sources_.open_circuits())));
  if (sources_.server_certificate_end) {
    families.push_back(
        CertificateEnd(server::kTlsCertificateEnd,
                       "End of the TLS certificate that callers are shown, in seconds since 1970.",
                       sources_.server_certificate_end()));
  }
  if (sources_.client_crl_end) {
    families.push_back(CertificateEnd(server::kClientCrlEnd, server::kClientCrlEndHelp,
                                      sources_.client_crl_end()));
  }
  families.push_back(
      CertificateEnd("keyward_exchange_signer_client_certificate_expiry_timestamp_seconds",
                     "End of the certificate that the signer is shown, in seconds since 1970.",
                     sources_.client_certificate_end()));
  if (sources_.client_connections) {
    server::AddClientConnections(sources_.client_connections(), families);
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace keyward::exchange
