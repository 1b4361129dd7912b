// IP addresses and their ranges as text. Internal to client/https.
#ifndef KEYWARD_CLIENT_HTTPS_ADDRESS_RANGE_H_
#define KEYWARD_CLIENT_HTTPS_ADDRESS_RANGE_H_

#include "absl/strings/string_view.h"

namespace keyward::client {

// Whether the IP address `address` is in `range`: an address of the same family, or one followed by
// "/" and the number of leading bits that count (RFC 4632 section 3.1). Brackets around an IPv6
// address are allowed in `range`. False where either is anything else.
bool IsInRange(absl::string_view address, absl::string_view range);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_HTTPS_ADDRESS_RANGE_H_
