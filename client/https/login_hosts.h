// Where assertions and access tokens may be sent.
#ifndef KEYWARD_CLIENT_HTTPS_LOGIN_HOSTS_H_
#define KEYWARD_CLIENT_HTTPS_LOGIN_HOSTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::client {

// Salesforce's own: login. and test.salesforce.com, My Domain, Experience Cloud sites, government
// cloud and China.
std::vector<std::string> DefaultLoginHosts();

struct LoginHostsOptions {
  // Exact names, or "*.DOMAIN" for one or more labels before a DOMAIN of at least two. Reached on
  // port 443 only, and never at a private address.
  std::vector<std::string> allowed = DefaultLoginHosts();
  // Exact names or IP addresses, allowed on any port and at any address, private, loopback and
  // link-local ones too: a stand-in, a test. A name that is in both lists counts as one of these.
  std::vector<std::string> private_hosts = {};
};

// A URL that may be used, taken apart and put together again: everything that is sent goes to what
// was checked.
struct LoginUrl {
  // "https://login.salesforce.com"; the port is there where it is not 443.
  std::string origin;
  // In lower case; an IPv6 address has no brackets.
  std::string host;
  int port = 443;
  // "/services/oauth2/token"; "/" where the URL is an origin.
  std::string path;
  // Whether the host may have a private address.
  bool may_be_private = false;
};

// Immutable; safe to use from many threads.
class LoginHosts {
 public:
  // Those of LoginHostsOptions's defaults.
  LoginHosts();

  // INVALID_ARGUMENT OPTIONS_INVALID where an entry is not as above. The settings are called
  // login_hosts and private_login_hosts in the error.
  static absl::StatusOr<LoginHosts> New(const LoginHostsOptions& options);

  // `url` is an origin: "https://" host [":" port] ["/"]. The host is a name of ASCII letters,
  // digits, '-' and '_' (RFC 1123 section 2.1; others in their xn-- form, RFC 5890), a
  // dotted-decimal IPv4 address or an IPv6 address in brackets (RFC 3986 section 3.2.2) without a
  // zone. Errors:
  //   INVALID_ARGUMENT LOGIN_URL_INVALID           it is not
  //   FAILED_PRECONDITION LOGIN_HOST_NOT_ALLOWED   it names a host or port that is not in the lists
  absl::StatusOr<LoginUrl> Check(absl::string_view url) const;

  // The same for an origin and a path, without query and fragment: segments of unreserved
  // characters (RFC 3986 section 2.3) other than "." and "..".
  absl::StatusOr<LoginUrl> CheckWithPath(absl::string_view url) const;

 private:
  explicit LoginHosts(LoginHostsOptions options);

  absl::StatusOr<LoginUrl> Admit(LoginUrl url) const;

  // Entries in lower case, IP addresses as inet_ntop() writes them.
  LoginHostsOptions options_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_HTTPS_LOGIN_HOSTS_H_
