// Errors with a machine-readable reason.
//
// Inside Keyward an error is an absl::Status. One that may cross the API
// carries a reason: a stable UPPER_SNAKE_CASE word that programs branch on,
// while the message is a sentence for people that says what to change. An error
// without a reason is an internal one, and the API shows nothing of it.
#ifndef KEYWARD_COMMON_ERROR_H_
#define KEYWARD_COMMON_ERROR_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace keyward {

// Makes an error of `code` with `reason` ("CONNECTION_NOT_FOUND"). `message`
// must hold nothing secret: it is shown to callers.
absl::Status Error(absl::StatusCode code, absl::string_view reason, absl::string_view message);

// The reason that Error() attached, or nothing for an internal error.
std::optional<std::string> ReasonOf(const absl::Status& status);

// Attaches how long the caller should wait before it tries again.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

// The delay that WithRetryDelay() attached, or nothing.
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

// Puts "`context`: " in front of the message. Code, reason and every other
// payload stay. An OK status is returned as it is.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

}  // namespace keyward

#endif  // KEYWARD_COMMON_ERROR_H_
