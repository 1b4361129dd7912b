// Errors with a machine-readable reason.
//
// Inside Keyward an error is an absl::Status. One that may cross the API
// carries a reason: a stable UPPER_SNAKE_CASE word that programs branch on,
// while the message is a sentence for people that says what to change. An error
// without a reason is an internal one, and the API shows nothing of it.
#ifndef KEYWARD_COMMON_ERROR_H_
#define KEYWARD_COMMON_ERROR_H_

#include <cstddef>
#include <map>
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

// What ErrorInfo.metadata holds at most, so that an error fits into a trailer of gRPC's.
inline constexpr size_t kMaxMetadataEntries = 4;
inline constexpr size_t kMaxMetadataKeyBytes = 32;
inline constexpr size_t kMaxMetadataValueBytes = 512;

// Attaches a fact for programs, such as another service's own error code:
// `value` under `key`, in place of what was there. It is shown to callers like the
// message. `key` is 1 to 32 of a-z, 0-9 and '_'; one that is not, and a fifth one,
// is not attached. A value that is not UTF-8 is escaped, and one that is longer than
// 512 bytes cut.
absl::Status WithMetadata(absl::Status status, absl::string_view key, absl::string_view value);

// All that WithMetadata() attached, by key.
std::map<std::string, std::string> MetadataOf(const absl::Status& status);

// Puts "`context`: " in front of the message. Code, reason and every other
// payload stay. An OK status is returned as it is.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

}  // namespace keyward

#endif  // KEYWARD_COMMON_ERROR_H_
