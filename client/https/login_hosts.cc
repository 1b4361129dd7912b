#include "client/https/login_hosts.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/https/https_url.h"
#include "common/dns_name.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/utf8.h"

namespace keyward::client {
namespace {

constexpr int kHttpsPort = 443;

absl::Status InvalidEntry(absl::string_view setting, absl::string_view entry,
                          absl::string_view wanted) {
  return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID",
               absl::StrCat(setting, ": '", Shown(entry), "' is not ", wanted));
}

// A name that nobody takes for an address.
bool IsName(const std::string& name) { return CheckDnsName(name).ok() && !EndsInNumber(name); }

absl::StatusOr<std::string> ReadAllowed(absl::string_view entry) {
  std::string pattern = absl::AsciiStrToLower(entry);
  absl::string_view name = pattern;
  // "*.com" would be everybody.
  const bool wildcard = absl::ConsumePrefix(&name, "*.");
  if (!IsName(std::string(name)) || (wildcard && !absl::StrContains(name, '.'))) {
    return InvalidEntry("login_hosts", entry,
                        "a host name (login.salesforce.com) or '*.' and a domain of two labels or "
                        "more (*.my.salesforce.com); IP addresses and tests' hosts belong in "
                        "private_login_hosts");
  }
  return pattern;
}

absl::StatusOr<std::string> ReadPrivate(absl::string_view entry) {
  absl::string_view address = entry;
  if (absl::EndsWith(address, "]") && absl::ConsumePrefix(&address, "[")) address.remove_suffix(1);
  if (std::optional<std::string> canonical = CanonicalAddress(address)) {
    return *std::move(canonical);
  }
  std::string name = absl::AsciiStrToLower(entry);
  if (!IsName(name)) {
    return InvalidEntry(
        "private_login_hosts", entry,
        "a host name or an IP address: write the name alone, such as localhost: any port "
        "is allowed");
  }
  return name;
}

bool Matches(const std::string& pattern, const std::string& host) {
  absl::string_view domain = pattern;
  // With the dot; `host` is a checked name, so that there is a label before it.
  return absl::ConsumePrefix(&domain, "*") ? absl::EndsWith(host, domain) : host == pattern;
}

absl::Status NotAllowed(absl::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, "LOGIN_HOST_NOT_ALLOWED", message);
}

}  // namespace

std::vector<std::string> DefaultLoginHosts() {
  return {"login.salesforce.com",  "test.salesforce.com",  "*.my.salesforce.com",
          "*.my.salesforce.mil",   "*.my.site.com",        "login.sfcrmproducts.cn",
          "test.sfcrmproducts.cn", "*.my.sfcrmproducts.cn"};
}

LoginHosts::LoginHosts() = default;

LoginHosts::LoginHosts(LoginHostsOptions options) : options_(std::move(options)) {}

absl::StatusOr<LoginHosts> LoginHosts::New(const LoginHostsOptions& options) {
  LoginHostsOptions read{.allowed = {}, .private_hosts = {}};
  for (const std::string& entry : options.allowed) {
    ASSIGN_OR_RETURN(std::string pattern, ReadAllowed(entry));
    read.allowed.push_back(std::move(pattern));
  }
  for (const std::string& entry : options.private_hosts) {
    ASSIGN_OR_RETURN(std::string host, ReadPrivate(entry));
    read.private_hosts.push_back(std::move(host));
  }
  return LoginHosts(std::move(read));
}

absl::StatusOr<LoginUrl> LoginHosts::Check(absl::string_view url) const {
  ASSIGN_OR_RETURN(LoginUrl parsed, ParseHttpsUrl(url));
  if (parsed.path.size() > 1) {
    return Error(absl::StatusCode::kInvalidArgument, "LOGIN_URL_INVALID",
                 absl::StrCat("the login URL has a path: make it ", parsed.origin));
  }
  return Admit(std::move(parsed));
}

absl::StatusOr<LoginUrl> LoginHosts::CheckWithPath(absl::string_view url) const {
  ASSIGN_OR_RETURN(LoginUrl parsed, ParseHttpsUrl(url));
  return Admit(std::move(parsed));
}

absl::StatusOr<LoginUrl> LoginHosts::Admit(LoginUrl url) const {
  const auto& private_hosts = options_.private_hosts;
  if (std::find(private_hosts.begin(), private_hosts.end(), url.host) != private_hosts.end()) {
    url.may_be_private = true;
    return url;
  }
  const auto matches = [&url](const std::string& pattern) { return Matches(pattern, url.host); };
  if (std::none_of(options_.allowed.begin(), options_.allowed.end(), matches)) {
    return NotAllowed(absl::StrCat(
        "nothing is sent to ", url.origin,
        ": its host is not among the login hosts. Correct the login URL; a host of Salesforce's "
        "goes into the setting login_hosts, a stand-in or an internal host into "
        "private_login_hosts"));
  }
  if (url.port != kHttpsPort) {
    return NotAllowed(absl::StrCat("nothing is sent to ", url.origin,
                                   ": login hosts are reached on port 443 only. Leave the port out "
                                   "of the login URL; a stand-in or an internal host goes into the "
                                   "setting private_login_hosts"));
  }
  return url;
}

}  // namespace keyward::client
