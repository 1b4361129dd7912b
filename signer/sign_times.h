// How long the phases of a Sign call take, for Prometheus.
#ifndef KEYWARD_SIGNER_SIGN_TIMES_H_
#define KEYWARD_SIGNER_SIGN_TIMES_H_

#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <chrono>

namespace keyward::signer {

// keyward_sign_seconds{phase}: a histogram for each phase, of the calls that went
// through it. Observing allocates nothing. Thread-safe.
class SignTimes {
 public:
  // Unlike the wall clock, one that nobody sets back.
  using Clock = std::chrono::steady_clock;

  enum class Phase {
    // From the moment when a call was read from the network to its turn.
    kQueue,
    // For a session, for the signature, and for its verification.
    kToken,
    // Until the record of a signature is on the disk.
    kAudit,
    // From the moment when a call was read to its answer, of calls that were signed.
    kTotal,
  };

  // Registers with `registry`, which outlives this.
  explicit SignTimes(prometheus::Registry& registry);
  SignTimes(const SignTimes&) = delete;
  SignTimes& operator=(const SignTimes&) = delete;

  // Observes the time from `start` to now.
  void ObserveSince(Clock::time_point start, Phase phase);

 private:
  explicit SignTimes(prometheus::Family<prometheus::Histogram>& family);
  prometheus::Histogram& HistogramOf(Phase phase);

  prometheus::Histogram& queue_;
  prometheus::Histogram& token_;
  prometheus::Histogram& audit_;
  prometheus::Histogram& total_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_SIGN_TIMES_H_
