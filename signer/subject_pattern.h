// Patterns of user names, which the client's side reads too.
#ifndef KEYWARD_SIGNER_SUBJECT_PATTERN_H_
#define KEYWARD_SIGNER_SUBJECT_PATTERN_H_

#include "common/subject_pattern.h"

namespace keyward::signer {

using ::keyward::CheckSubjectPattern;
using ::keyward::HasWildcard;
using ::keyward::IsSubject;
using ::keyward::kMaxSubjectBytes;
using ::keyward::MatchesSubjectPattern;

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_SUBJECT_PATTERN_H_
