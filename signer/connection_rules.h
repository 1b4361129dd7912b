// What the Connections API may store.
#ifndef KEYWARD_SIGNER_CONNECTION_RULES_H_
#define KEYWARD_SIGNER_CONNECTION_RULES_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/subject_pattern.h"
#include "keystore/registry/registry.h"

namespace keyward::signer {

inline constexpr size_t kMaxConsumerKeyBytes = 512;
inline constexpr size_t kMaxAudiences = 8;
inline constexpr size_t kMaxAudienceBytes = 512;
inline constexpr size_t kMaxSubjects = 64;
inline constexpr size_t kMaxSubjectPatterns = 16;
inline constexpr size_t kMaxCommentBytes = 256;

// Checks what an operator set, and fills in what follows from it: the login URL
// of production and sandbox, the login URL as the audience where there is none,
// and a custom login host in lower case. For a custom environment `login_url` is
// an https origin (RFC 6454 section 4): "https://" host [":" port], nothing else.
// Where an update changes the environment away from custom or between production
// and sandbox and does not set login_url, pass it empty.
//
// Errors, all INVALID_ARGUMENT, whose sentences name the field as the API does:
//   CONSUMER_KEY_INVALID  over 512 bytes, or not printable ASCII without spaces
//   LOGIN_URL_INVALID     no https origin, absent for a custom environment, or
//                         not the one of production or sandbox
//   AUDIENCES_INVALID     over 8, one over 512 bytes, empty, twice or not
//                         printable ASCII without spaces
//   SUBJECTS_INVALID      over 64, one over 255 bytes, empty, twice, not UTF-8,
//                         with control characters or with a space at an end
//   SUBJECT_PATTERNS_INVALID  over 16, one twice, or none that CheckSubjectPattern()
//                         accepts
// Thread-safe.
absl::StatusOr<registry::ConnectionSettings> CompleteSettings(
    registry::ConnectionSettings settings);

// Whether `comment` may be recorded: at most 256 bytes of UTF-8 without control
// characters. INVALID_ARGUMENT COMMENT_INVALID. Thread-safe.
absl::Status CheckComment(absl::string_view comment);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_CONNECTION_RULES_H_
