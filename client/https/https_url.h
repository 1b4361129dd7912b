// The only reading of login URLs. Internal to client.
#ifndef KEYWARD_CLIENT_HTTPS_HTTPS_URL_H_
#define KEYWARD_CLIENT_HTTPS_HTTPS_URL_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/https/login_hosts.h"

namespace keyward::client {

// Takes apart a URL of the form that LoginHosts::CheckWithPath() describes, whoever it names.
// `origin` and `path` of the result hold nothing but what was read here, in characters that no
// other reader of URLs takes for anything else. Its error is LOGIN_URL_INVALID.
absl::StatusOr<LoginUrl> ParseHttpsUrl(absl::string_view url);

// The IP address `text` (dotted decimal, or IPv6 without brackets and zone) as inet_ntop(3) writes
// it, or nothing.
std::optional<std::string> CanonicalAddress(absl::string_view text);

// Whether an IPv4 address is what some readers would take `host` for, as they take "127.1",
// "2130706433" and "0x7f000001": its last label is a number.
bool EndsInNumber(absl::string_view host);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_HTTPS_HTTPS_URL_H_
