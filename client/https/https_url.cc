#include "client/https/https_url.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/dns_name.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

constexpr absl::string_view kScheme = "https://";
constexpr int kHttpsPort = 443;

// Never shows the URL: it may hold a password.
absl::Status Invalid(absl::string_view what) {
  return Error(
      absl::StatusCode::kInvalidArgument, "LOGIN_URL_INVALID",
      absl::StrCat("the login URL ", what,
                   "; it must be https:// and a host, as in https://login.salesforce.com"));
}

bool IsDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

// Splits "host:port"; the host keeps its brackets.
absl::Status ReadPort(absl::string_view authority, LoginUrl& url, absl::string_view& host) {
  const size_t host_end = absl::StartsWith(authority, "[") ? authority.find(']') : 0;
  const size_t colon =
      host_end == absl::string_view::npos ? host_end : authority.find(':', host_end);
  host = authority.substr(0, colon);
  if (colon == absl::string_view::npos) return absl::OkStatus();
  const absl::string_view port = authority.substr(colon + 1);
  if (!IsDigits(port) || port.size() > 5 || !absl::SimpleAtoi(port, &url.port) || url.port < 1 ||
      url.port > 65535) {
    return Invalid("has a port that is not a number from 1 to 65535");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadHost(absl::string_view host) {
  if (absl::ConsumePrefix(&host, "[")) {
    std::optional<std::string> address;
    if (absl::ConsumeSuffix(&host, "]") && absl::StrContains(host, ':')) {
      address = CanonicalAddress(host);
    }
    if (!address) return Invalid("has brackets around what is not an IPv6 address without a zone");
    return *std::move(address);
  }
  if (host.empty()) return Invalid("has no host");
  if (absl::EndsWith(host, ".")) return Invalid("has a dot at the end of its host: leave it out");
  std::string name = absl::AsciiStrToLower(host);
  if (EndsInNumber(name)) {
    if (!CanonicalAddress(name)) {
      return Invalid("has an IP address that is not written as four decimal numbers");
    }
    return name;
  }
  if (!CheckDnsName(name).ok()) {
    return Invalid(
        "has a host that is not a DNS name of letters, digits, '-' and '_' (names in other scripts "
        "are written in their xn-- form)");
  }
  return name;
}

// Neither escapes nor dot segments (RFC 3986 section 5.2.4), of which there is more than one
// reading.
bool IsPlainPath(absl::string_view path) {
  const std::vector<absl::string_view> segments = absl::StrSplit(path, '/');
  return std::all_of(segments.begin(), segments.end(), [](absl::string_view segment) {
    return segment != "." && segment != ".." &&
           std::all_of(segment.begin(), segment.end(), [](char c) {
             return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                    absl::StrContains("-._~", c);
           });
  });
}

}  // namespace

std::optional<std::string> CanonicalAddress(absl::string_view text) {
  // inet_pton() would not see what follows.
  if (text.find('\0') != absl::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  std::array<char, INET6_ADDRSTRLEN> canonical{};
  for (const int family : {AF_INET, AF_INET6}) {
    in6_addr address{};
    if (inet_pton(family, terminated.c_str(), &address) == 1) {
      return inet_ntop(family, &address, canonical.data(), canonical.size());
    }
  }
  return std::nullopt;
}

bool EndsInNumber(absl::string_view host) {
  const size_t dot = host.rfind('.');
  absl::string_view last = dot == absl::string_view::npos ? host : host.substr(dot + 1);
  if (IsDigits(last)) return true;
  return absl::ConsumePrefix(&last, "0x") && std::all_of(last.begin(), last.end(), [](char c) {
           return absl::ascii_isxdigit(static_cast<unsigned char>(c));
         });
}

absl::StatusOr<LoginUrl> ParseHttpsUrl(absl::string_view url) {
  if (!absl::StartsWithIgnoreCase(url, kScheme)) return Invalid("does not begin with https://");
  url.remove_prefix(kScheme.size());
  const absl::string_view authority = url.substr(0, url.find_first_of("/?#"));
  const absl::string_view path = url.substr(authority.size());
  if (absl::StrContains(authority, '@')) return Invalid("has a user or a password");
  LoginUrl parsed;
  absl::string_view host;
  RETURN_IF_ERROR(ReadPort(authority, parsed, host));
  ASSIGN_OR_RETURN(parsed.host, ReadHost(host));
  if (path.find_first_of("?#") != absl::string_view::npos) {
    return Invalid("has a query or a fragment");
  }
  if (!IsPlainPath(path)) return Invalid("has a path with other than plain segments");
  parsed.path = path.empty() ? "/" : std::string(path);
  const bool brackets = absl::StrContains(parsed.host, ':');
  parsed.origin = absl::StrCat(kScheme, brackets ? "[" : "", parsed.host, brackets ? "]" : "");
  if (parsed.port != kHttpsPort) absl::StrAppend(&parsed.origin, ":", parsed.port);
  return parsed;
}

}  // namespace keyward::client
