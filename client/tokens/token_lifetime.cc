#include "client/tokens/token_lifetime.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "common/error.h"

namespace keyward::client {
namespace {

constexpr absl::Duration kShortestLifetime = absl::Seconds(10);
// How long "frozen" is remembered at most.
constexpr absl::Duration kFreezeMemory = absl::Seconds(5);

bool MayPropagate(const absl::Status& refusal) {
  const std::optional<std::string> reason = ReasonOf(refusal);
  return reason == "INVALID_ASSERTION" || reason == "UNKNOWN_CONSUMER_KEY";
}

// It ends at a word, and whoever gave that expects it to work. The end of an emergency
// freeze changes no connection, so nothing else would tell.
bool IsFrozen(const absl::Status& refusal) {
  const std::optional<std::string> reason = ReasonOf(refusal);
  return reason == "CONNECTION_FROZEN" || reason == "EMERGENCY_FREEZE";
}

}  // namespace

absl::Status CheckOptions(const AccessTokensOptions& options) {
  const auto invalid = [](absl::string_view message) {
    return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID", message);
  };
  constexpr absl::Duration kZero = absl::ZeroDuration();
  if (options.token_lifetime < kShortestLifetime) {
    return invalid("token_lifetime must be 10 s or more");
  }
  if (!(options.refresh_from > 0 && options.refresh_from <= options.refresh_to &&
        options.refresh_to <= 1)) {
    return invalid("refresh_from and refresh_to must be parts of the lifetime, in this order");
  }
  if (options.max_entries < 1 || options.max_waiting < 1) {
    return invalid("max_entries and max_waiting must be 1 or more");
  }
  if (options.max_logins_of_connection < 1) {
    return invalid("max_logins_of_connection must be 1 or more");
  }
  if (options.least_login_time <= kZero || options.login_timeout < options.least_login_time) {
    return invalid("least_login_time must be longer than 0, login_timeout no less than that");
  }
  if (options.initial_backoff <= kZero || options.max_backoff < options.initial_backoff) {
    return invalid("initial_backoff must be longer than 0, max_backoff no less than that");
  }
  if (options.longest_wait <= kZero || options.expiry_margin < kZero ||
      options.refusal_memory < kZero || options.rejection_pause < kZero) {
    return invalid(
        "longest_wait must be longer than 0; expiry_margin, refusal_memory and rejection_pause "
        "must not be negative");
  }
  return absl::OkStatus();
}

absl::Time EndOf(const AccessToken& granted, absl::Time now, absl::Time wall_now,
                 const AccessTokensOptions& options) {
  absl::Time end = now + options.token_lifetime;
  if (granted.expires) {
    const absl::Duration left = *granted.expires - wall_now;
    end = std::min(end, now + left - std::min(options.expiry_margin, left / 10));
  }
  return std::max(end, now + kShortestLifetime);
}

absl::Time RefreshTime(absl::Time made, absl::Time expires, const AccessTokensOptions& options,
                       absl::BitGen& random) {
  return made + (expires - made) * absl::Uniform(absl::IntervalClosed, random, options.refresh_from,
                                                 options.refresh_to);
}

bool IsPassing(const absl::Status& failure) {
  switch (failure.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
      return true;
    default:
      return false;
  }
}

absl::Duration PauseAfter(const absl::Status& failure, int failures,
                          const AccessTokensOptions& options, absl::BitGen& random) {
  if (IsFrozen(failure)) return std::min(options.refusal_memory, kFreezeMemory);
  if (!IsPassing(failure)) return options.refusal_memory;
  absl::Duration backoff = options.initial_backoff;
  for (int i = 1; i < failures && backoff < options.max_backoff; ++i) backoff *= 2;
  backoff = std::min(backoff, options.max_backoff) * absl::Uniform(random, 0.5, 1.0);
  const std::optional<absl::Duration> asked = RetryDelayOf(failure);
  if (!asked) return backoff;
  // Never earlier than asked, and not all at once.
  return std::max(
      backoff, *asked + std::min(*asked, options.max_backoff) * absl::Uniform(random, 0.0, 0.25));
}

absl::Status AsAnswered(const absl::Status& failure, absl::Time until, absl::Time now) {
  if (!IsPassing(failure) && !MayPropagate(failure)) return failure;
  const absl::Duration left = std::max(until - now, absl::ZeroDuration());
  // Upwards, so that a caller who waits that long does not come too early.
  return WithRetryDelay(failure, absl::Ceil(left, absl::Milliseconds(1)));
}

}  // namespace keyward::client
