// Leaves a login host alone while it does not answer.
#ifndef KEYWARD_CLIENT_TOKENS_CIRCUIT_BREAKER_H_
#define KEYWARD_CLIENT_TOKENS_CIRCUIT_BREAKER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/tokens/steady_now.h"
#include "common/mutex.h"

namespace keyward::client {

struct CircuitBreakerOptions {
  // A circuit opens after so many failures of the host in a row. 1 or more.
  int failures = 5;
  // How long it stays open: the first time, doubled each time the probe fails, at
  // most. Each is shortened at random by up to a quarter.
  absl::Duration first_open = absl::Seconds(1);
  // A host's Retry-After makes it longer, up to longest_open; it does not open it.
  absl::Duration longest_open = absl::Minutes(1);
};

// A circuit for each login host, by its origin however the URL is written. Closed: all
// may post. Open: nobody, for a while. Then half open: one may, the probe, and what
// becomes of it closes or opens the circuit. Thread-safe.
//
// Many tenants share a host, so only what says that it is down for all of them counts:
// errors of the transport and 5xx answers. An answer to one of them, 429 and a refusal
// as passing as unknown_error too, shows that it works.
class CircuitBreaker {
 public:
  using Clock = std::function<absl::Time()>;

  // The right to one POST. Report() says what became of it; one that dies without
  // has taught nothing about the host. Must not outlive the breaker. Not thread-safe.
  class Permit {
   public:
    Permit(Permit&& other) noexcept;
    Permit& operator=(Permit&&) = delete;
    ~Permit();

    // UNAVAILABLE and DEADLINE_EXCEEDED are failures of the host, with the retry delay
    // that it asked for, unless their kHttpStatusKey (TokenExchange) is below 500 or
    // they have a SalesforceErrorOf(). Anything else is an answer, a refusal as well as
    // a token.
    void Report(const absl::Status& outcome);

   private:
    friend class CircuitBreaker;
    Permit(CircuitBreaker* breaker, std::string host, uint64_t probe);

    CircuitBreaker* breaker_;
    std::string host_;
    // 0: not a probe.
    uint64_t probe_;
  };

  // INVALID_ARGUMENT OPTIONS_INVALID.
  static absl::StatusOr<std::unique_ptr<CircuitBreaker>> New(const CircuitBreakerOptions& options,
                                                             Clock clock = SteadyNow);

  // For a POST to `login_url`. UNAVAILABLE LOGIN_HOST_CIRCUIT_OPEN with the delay until
  // the next probe.
  absl::StatusOr<Permit> Ask(absl::string_view login_url);

  // Hosts that are left alone now, those with a probe under way included.
  size_t open() const;

 private:
  struct Circuit {
    int failures = 0;
    // Times in a row that it opened; 0 is closed.
    int openings = 0;
    absl::Time open_until = absl::InfinitePast();
    // Which probe is under way; 0 for none.
    uint64_t probe = 0;
  };

  CircuitBreaker(const CircuitBreakerOptions& options, Clock clock);

  void OnOutcome(const std::string& host, uint64_t probe, const absl::Status& outcome);
  void OnNothing(const std::string& host, uint64_t probe);
  void OnFailure(Circuit& circuit, bool probe, const absl::Status& failure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Duration OpenFor(int openings) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const CircuitBreakerOptions options_;
  const Clock clock_;
  mutable Mutex mutex_;
  absl::BitGen random_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_probe_ ABSL_GUARDED_BY(mutex_) = 0;
  // Only hosts whose last outcome was a failure.
  absl::flat_hash_map<std::string, Circuit> circuits_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_CIRCUIT_BREAKER_H_
