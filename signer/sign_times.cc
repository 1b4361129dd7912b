#include "signer/sign_times.h"

namespace keyward::signer {
namespace {

// Seconds. A token in software takes a millisecond, one behind a network ten or a
// hundred; callers that wait for ten seconds have mostly gone.
prometheus::Histogram::BucketBoundaries Buckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
          0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
}

}  // namespace

SignTimes::SignTimes(prometheus::Registry& registry)
    : SignTimes(prometheus::BuildHistogram()
                    .Name("keyward_sign_seconds")
                    .Help("How long the phases of Sign calls took, of those that went through "
                          "them; total is of the calls that were signed.")
                    .Register(registry)) {}

SignTimes::SignTimes(prometheus::Family<prometheus::Histogram>& family)
    : queue_(family.Add({{"phase", "queue"}}, Buckets())),
      token_(family.Add({{"phase", "token"}}, Buckets())),
      audit_(family.Add({{"phase", "audit"}}, Buckets())),
      total_(family.Add({{"phase", "total"}}, Buckets())) {}

void SignTimes::ObserveSince(Clock::time_point start, Phase phase) {
  HistogramOf(phase).Observe(std::chrono::duration<double>(Clock::now() - start).count());
}

prometheus::Histogram& SignTimes::HistogramOf(Phase phase) {
  switch (phase) {
    case Phase::kQueue:
      return queue_;
    case Phase::kToken:
      return token_;
    case Phase::kAudit:
      return audit_;
    case Phase::kTotal:
      break;
  }
  return total_;
}

}  // namespace keyward::signer
