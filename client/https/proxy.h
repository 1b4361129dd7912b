// Which proxy a host is reached through. Internal to client/https.
//
// libcurl would read the variables by itself. It is told instead, for each request, either a proxy
// or that there is none, so that there is never a doubt whose addresses its sockets are opened for.
#ifndef KEYWARD_CLIENT_HTTPS_PROXY_H_
#define KEYWARD_CLIENT_HTTPS_PROXY_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secret.h"

namespace keyward::client {

struct Proxy {
  // "http://proxy.example:3128"
  std::string origin;
  // Of its URL; empty where that has none.
  Secret user;
  Secret password;
};

// The value of an environment variable; empty where it is not set.
using ReadVariable = std::function<std::string(const char* name)>;

// Immutable; safe to use from many threads.
class ProxyChoice {
 public:
  // As HttpsClientOptions::proxy says. INVALID_ARGUMENT OPTIONS_INVALID, without any of the text.
  static absl::StatusOr<ProxyChoice> New(const std::optional<std::string>& option,
                                         const ReadVariable& variable);

  // The proxy for `host` (LoginUrl::host), or null where it is to be reached directly.
  const Proxy* For(absl::string_view host) const;

 private:
  std::optional<Proxy> proxy_;
  // Entries of no_proxy in lower case.
  std::vector<std::string> direct_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_HTTPS_PROXY_H_
