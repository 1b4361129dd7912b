// Host names as certificates and URLs hold them.
#ifndef KEYWARD_COMMON_DNS_NAME_H_
#define KEYWARD_COMMON_DNS_NAME_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace keyward {

// Whether `name` is a host name in lower case (RFC 1123 section 2.1, and "_"):
// at most 253 bytes, labels of 1 to 63 that do not begin or end with a hyphen,
// no final dot, no wildcard. The error is INVALID_ARGUMENT without a reason and
// says what is wrong.
absl::Status CheckDnsName(absl::string_view name);

}  // namespace keyward

#endif  // KEYWARD_COMMON_DNS_NAME_H_
