#include "client/tokens/circuit_breaker.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/https/https_url.h"
#include "client/salesforce_error.h"
#include "client/token_exchange.h"
#include "common/error.h"

namespace keyward::client {
namespace {

bool IsHostsFailure(const absl::Status& outcome) {
  if (!absl::IsUnavailable(outcome) && !absl::IsDeadlineExceeded(outcome)) return false;
  if (SalesforceErrorOf(outcome)) return false;
  const std::map<std::string, std::string> metadata = MetadataOf(outcome);
  const auto status = metadata.find(kHttpStatusKey);
  int number = 0;
  return status == metadata.end() || !absl::SimpleAtoi(status->second, &number) || number >= 500;
}

// One circuit for all ways to write a URL. What is not one is never posted to.
std::string OriginOf(absl::string_view login_url) {
  absl::StatusOr<LoginUrl> url = ParseHttpsUrl(login_url);
  return url.ok() ? std::move(url->origin) : std::string(login_url);
}

absl::Status LeftAlone(absl::string_view host, absl::Duration delay) {
  return WithRetryDelay(
      Error(absl::StatusCode::kUnavailable, "LOGIN_HOST_CIRCUIT_OPEN",
            absl::StrCat(host,
                         " has failed repeatedly and is left alone for a moment; see whether "
                         "it can be reached from here, and https://status.salesforce.com")),
      // Upwards, so that a caller who waits that long finds it half open.
      absl::Ceil(delay, absl::Milliseconds(1)));
}

}  // namespace

CircuitBreaker::Permit::Permit(CircuitBreaker* breaker, std::string host, uint64_t probe)
    : breaker_(breaker), host_(std::move(host)), probe_(probe) {}

CircuitBreaker::Permit::Permit(Permit&& other) noexcept
    : breaker_(std::exchange(other.breaker_, nullptr)),
      host_(std::move(other.host_)),
      probe_(other.probe_) {}

CircuitBreaker::Permit::~Permit() {
  if (breaker_ != nullptr) breaker_->OnNothing(host_, probe_);
}

void CircuitBreaker::Permit::Report(const absl::Status& outcome) {
  if (breaker_ != nullptr) std::exchange(breaker_, nullptr)->OnOutcome(host_, probe_, outcome);
}

absl::StatusOr<std::unique_ptr<CircuitBreaker>> CircuitBreaker::New(
    const CircuitBreakerOptions& options, Clock clock) {
  if (options.failures < 1 || options.first_open <= absl::ZeroDuration() ||
      options.longest_open < options.first_open) {
    return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID",
                 "a circuit breaker needs 1 failure or more, a first time longer than 0 and a "
                 "longest time not shorter than that");
  }
  return std::unique_ptr<CircuitBreaker>(new CircuitBreaker(options, std::move(clock)));
}

CircuitBreaker::CircuitBreaker(const CircuitBreakerOptions& options, Clock clock)
    : options_(options), clock_(std::move(clock)) {}

absl::StatusOr<CircuitBreaker::Permit> CircuitBreaker::Ask(absl::string_view login_url) {
  std::string host = OriginOf(login_url);
  const absl::Time now = clock_();
  MutexLock lock(&mutex_);
  const auto found = circuits_.find(host);
  if (found == circuits_.end() || found->second.openings == 0) {
    return Permit(this, std::move(host), 0);
  }
  Circuit& circuit = found->second;
  if (now < circuit.open_until) return LeftAlone(host, circuit.open_until - now);
  if (circuit.probe != 0) return LeftAlone(host, options_.first_open);
  circuit.probe = ++last_probe_;
  return Permit(this, std::move(host), circuit.probe);
}

void CircuitBreaker::OnOutcome(const std::string& host, uint64_t probe,
                               const absl::Status& outcome) {
  MutexLock lock(&mutex_);
  if (!IsHostsFailure(outcome)) {
    circuits_.erase(host);
    return;
  }
  Circuit& circuit = circuits_[host];
  const bool is_probe = probe != 0 && circuit.probe == probe;
  if (is_probe) circuit.probe = 0;
  OnFailure(circuit, is_probe, outcome);
}

void CircuitBreaker::OnNothing(const std::string& host, uint64_t probe) {
  MutexLock lock(&mutex_);
  const auto found = circuits_.find(host);
  if (found != circuits_.end() && probe != 0 && found->second.probe == probe) {
    found->second.probe = 0;
  }
}

void CircuitBreaker::OnFailure(Circuit& circuit, bool probe, const absl::Status& failure) {
  const absl::Time now = clock_();
  ++circuit.failures;
  // Of those sent before it opened, the failures that come in late open it no longer.
  const bool was_open = circuit.openings > 0 && !probe;
  if (!was_open && (probe || circuit.failures >= options_.failures)) {
    circuit.open_until = now + OpenFor(++circuit.openings);
  }
  const std::optional<absl::Duration> asked = RetryDelayOf(failure);
  if (asked && circuit.openings > 0) {
    circuit.open_until =
        std::max(circuit.open_until, now + std::min(*asked, options_.longest_open));
  }
}

absl::Duration CircuitBreaker::OpenFor(int openings) {
  absl::Duration open = options_.first_open;
  for (int i = 1; i < openings && open < options_.longest_open; ++i) open *= 2;
  return std::min(open, options_.longest_open) * absl::Uniform(random_, 0.75, 1.0);
}

size_t CircuitBreaker::open() const {
  MutexLock lock(&mutex_);
  return std::count_if(circuits_.begin(), circuits_.end(),
                       [](const auto& circuit) { return circuit.second.openings > 0; });
}

}  // namespace keyward::client
