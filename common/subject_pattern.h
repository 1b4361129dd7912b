// Salesforce user names, and patterns of them: in policy.yaml, in connections and in what
// the client makes of those.
#ifndef KEYWARD_COMMON_SUBJECT_PATTERN_H_
#define KEYWARD_COMMON_SUBJECT_PATTERN_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace keyward {

inline constexpr size_t kMaxSubjectBytes = 255;

// Whether `text` has the form of a user name: 1 to kMaxSubjectBytes bytes of UTF-8, no control
// characters, no space at either end. Takes time linear in its length and allocates
// nothing. Thread-safe, like all here.
bool IsSubject(absl::string_view text);

// Whether `text` is meant as a pattern: it has a "*" in it.
bool HasWildcard(absl::string_view text);

// OK where `pattern` is one:
//
//   PREFIX*SUFFIX@DOMAIN
//
// in the form of a user name in lower case, as Salesforce's are, with one "*", one "@",
// PREFIX and SUFFIX empty or literal, and DOMAIN a host name: whoever writes a pattern
// says whose users they are. The error is INVALID_ARGUMENT without a reason and says what is wrong.
absl::Status CheckSubjectPattern(absl::string_view pattern);

// Whether `subject` is a user name that `pattern` stands for. The "*" stands for one or
// more characters other than "@" and A to Z: Salesforce takes "USER@..." for "user@...", and
// one user should not have many names. All else is compared byte by byte. A pattern without "*"
// stands for itself; one with it must have passed CheckSubjectPattern(). Takes time linear in the
// lengths and allocates nothing.
bool MatchesSubjectPattern(absl::string_view pattern, absl::string_view subject);

}  // namespace keyward

#endif  // KEYWARD_COMMON_SUBJECT_PATTERN_H_
