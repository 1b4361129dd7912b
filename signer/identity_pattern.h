// How policy.yaml names callers.
#ifndef KEYWARD_SIGNER_IDENTITY_PATTERN_H_
#define KEYWARD_SIGNER_IDENTITY_PATTERN_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::signer {

// A pattern, in the form in which it is looked up.
struct IdentityPattern {
  // False: the identity is `key`. True: WildcardKeyOf(identity) is `key`.
  bool is_wildcard = false;
  std::string key;
};

// Reads "spiffe://...", "dns:..." or "cn:...", as in signer/caller_identity. "*"
// may stand as the whole last path segment of a SPIFFE ID ("spiffe://a/b/*") or
// as the whole leftmost label of a DNS name ("dns:*.example.com"), and stands for
// exactly one segment or label. The error is INVALID_ARGUMENT without a reason
// and says what is wrong.
absl::StatusOr<IdentityPattern> ParseIdentityPattern(absl::string_view pattern);

// The key of the only wildcard that can match `identity`: a part of it, empty
// where none can. Allocates nothing.
absl::string_view WildcardKeyOf(absl::string_view identity);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_IDENTITY_PATTERN_H_
