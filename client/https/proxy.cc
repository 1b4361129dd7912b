#include "client/https/proxy.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/https/address_range.h"
#include "client/https/curl_handle.h"
#include "client/https/https_url.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// libcurl's ports, for a URL that names none.
constexpr char kDefaultPort[] = "1080";
constexpr char kDefaultHttpsPort[] = "443";

// The part `part` of a URL, empty where it has none.
std::string Part(const CurlUrlPtr& url, CURLUPart part) {
  // A user or a password may hold what is not allowed in a URL.
  const bool credential = part == CURLUPART_USER || part == CURLUPART_PASSWORD;
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, credential ? CURLU_URLDECODE : 0) != CURLUE_OK) {
    return "";
  }
  const CurlTextPtr owned(text);
  std::string copy(text);
  if (credential) std::fill_n(text, copy.size(), '\0');
  return copy;
}

absl::StatusOr<Proxy> ReadProxy(absl::string_view source, std::string text) {
  if (!absl::StrContains(text, "://")) text = absl::StrCat("http://", text);
  const CurlUrlPtr url(curl_url());
  const bool parsed =
      text.find('\0') == std::string::npos &&
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
  WipeString(text);
  const std::string scheme = parsed ? Part(url, CURLUPART_SCHEME) : "";
  const std::string host = parsed ? Part(url, CURLUPART_HOST) : "";
  // socks5:// would have libcurl look the login host's name up here, for the proxy to connect to.
  if ((scheme != "http" && scheme != "https" && scheme != "socks5h") || host.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID",
                 absl::StrCat(source,
                              " must be http://, https:// or socks5h:// and HOST:PORT, with "
                              "USER:PASSWORD@ before that if need be"));
  }
  Proxy proxy;
  std::string port = Part(url, CURLUPART_PORT);
  if (port.empty()) port = scheme == "https" ? kDefaultHttpsPort : kDefaultPort;
  proxy.origin = absl::StrCat(scheme, "://", host, ":", port);
  proxy.user = Secret(Part(url, CURLUPART_USER));
  proxy.password = Secret(Part(url, CURLUPART_PASSWORD));
  return proxy;
}

// Entry by entry as libcurl does it: a domain is itself and all below it, an address is itself or
// its range "10.0.0.0/8".
bool IsDirect(absl::string_view entry, absl::string_view host) {
  if (entry == "*") return true;
  if (CanonicalAddress(host)) return IsInRange(host, entry);
  absl::ConsumePrefix(&entry, ".");
  absl::ConsumeSuffix(&entry, ".");
  if (entry.empty() || !absl::ConsumeSuffix(&host, entry)) return false;
  return host.empty() || absl::EndsWith(host, ".");
}

}  // namespace

absl::StatusOr<ProxyChoice> ProxyChoice::New(const std::optional<std::string>& option,
                                             const ReadVariable& variable) {
  ProxyChoice choice;
  if (option) {
    if (option->empty()) return choice;
    ASSIGN_OR_RETURN(choice.proxy_, ReadProxy("https_proxy", *option));
    return choice;
  }
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    std::string url = variable(name);
    if (url.empty()) continue;
    ASSIGN_OR_RETURN(choice.proxy_, ReadProxy(absl::StrCat("the variable ", name), std::move(url)));
    break;
  }
  std::string direct = variable("no_proxy");
  if (direct.empty()) direct = variable("NO_PROXY");
  absl::AsciiStrToLower(&direct);
  choice.direct_ = absl::StrSplit(direct, absl::ByAnyChar(", "), absl::SkipEmpty());
  return choice;
}

const Proxy* ProxyChoice::For(absl::string_view host) const {
  if (!proxy_) return nullptr;
  const bool direct = std::any_of(direct_.begin(), direct_.end(), [host](const std::string& entry) {
    return IsDirect(entry, host);
  });
  return direct ? nullptr : &*proxy_;
}

}  // namespace keyward::client
