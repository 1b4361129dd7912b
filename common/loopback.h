// Which names of hosts mean this machine alone.
#ifndef KEYWARD_COMMON_LOOPBACK_H_
#define KEYWARD_COMMON_LOOPBACK_H_

#include "absl/strings/string_view.h"

namespace keyward {

// Whether `host` is the name localhost, in 127.0.0.0/8 (RFC 1122 section 3.2.1.3), or
// "[::1]" in any of its spellings.
bool IsLoopbackHost(absl::string_view host);

// The host of "HOST:PORT" or "HOST", an IPv6 address with its brackets.
absl::string_view HostOf(absl::string_view authority);

}  // namespace keyward

#endif  // KEYWARD_COMMON_LOOPBACK_H_
