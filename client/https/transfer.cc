#include "client/https/transfer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/https/answer_headers.h"
#include "client/https/public_address.h"
#include "client/https/transfer_error.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// Hosts close idle connections after a minute or so; a name may move to other addresses.
constexpr CurlLong kMaxIdleSeconds = 60;
constexpr CurlLong kMaxConnectionSeconds = 600;

// Sets options, and remembers that one could not be set.
class Options {
 public:
  explicit Options(CURL* curl) : curl_(curl) {}

  template <typename Value>
  void Set(CURLoption option, Value value) {
    // The parentheses keep curl.h's type-checking macro, which wants constants, away.
    const CURLcode code = (curl_easy_setopt)(curl_, option, value);
    if (code != CURLE_OK && status_.ok()) {
      status_ = absl::InternalError(
          absl::StrCat("libcurl's option ", option, ": ", curl_easy_strerror(code)));
    }
  }

  const absl::Status& status() const { return status_; }

 private:
  CURL* const curl_;
  absl::Status status_;
};

// What the callbacks of one transfer work on.
struct Progress {
  size_t limit;
  std::string body = {};
  AnswerHeaders headers = {};
  bool too_large = false;
  // Whether sockets may be opened for public addresses only, and what came of it.
  bool public_only = false;
  bool address_refused = false;
  bool socket_opened = false;
};

size_t ReceiveBody(char* data, size_t size, size_t count, void* user) {
  auto* progress = static_cast<Progress*>(user);
  const size_t bytes = size * count;
  if (bytes > progress->limit - progress->body.size()) {
    progress->too_large = true;
    return 0;
  }
  progress->body.append(data, bytes);
  return bytes;
}

size_t ReceiveHeader(char* data, size_t size, size_t count, void* user) {
  auto* progress = static_cast<Progress*>(user);
  const size_t bytes = size * count;
  if (progress->headers.Add(absl::string_view(data, bytes))) return bytes;
  progress->too_large = true;
  return 0;
}

// libcurl connects the socket to the very address that is looked at here, so that there is no time
// in which a name could come to mean something else.
curl_socket_t OpenSocket(void* user, curlsocktype purpose, curl_sockaddr* address) {
  auto* progress = static_cast<Progress*>(user);
  if (purpose != CURLSOCKTYPE_IPCXN ||
      (progress->public_only && !IsPublicAddress(&address->addr, address->addrlen))) {
    progress->address_refused = true;
    return CURL_SOCKET_BAD;
  }
  const int opened = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  progress->socket_opened = progress->socket_opened || opened >= 0;
  return opened < 0 ? CURL_SOCKET_BAD : opened;
}

// Milliseconds for libcurl, to which 0 would mean "no limit".
CurlLong Milliseconds(absl::Duration duration) {
  return static_cast<CurlLong>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 1, 24L * 3600 * 1000));
}

void SetProtocol(Options& set) {
  set.Set(CURLOPT_NOSIGNAL, 1L);
  // A look-up that takes longer than the limits goes on in a thread of its own.
  set.Set(CURLOPT_QUICK_EXIT, 1L);
  set.Set(CURLOPT_PROTOCOLS_STR, "https");
  set.Set(CURLOPT_FOLLOWLOCATION, 0L);
  set.Set(CURLOPT_HTTP_VERSION, static_cast<CurlLong>(CURL_HTTP_VERSION_2TLS));
  set.Set(CURLOPT_USERAGENT, "keyward");
  set.Set(CURLOPT_MAXCONNECTS, 1L);
  set.Set(CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  set.Set(CURLOPT_MAXLIFETIME_CONN, kMaxConnectionSeconds);
}

void SetTls(Options& set, const HttpsClientOptions& options) {
  constexpr auto kMinimum = static_cast<CurlLong>(CURL_SSLVERSION_TLSv1_2);
  set.Set(CURLOPT_SSLVERSION, kMinimum);
  set.Set(CURLOPT_SSL_VERIFYPEER, 1L);
  set.Set(CURLOPT_SSL_VERIFYHOST, 2L);
  set.Set(CURLOPT_PROXY_SSLVERSION, kMinimum);
  set.Set(CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
  set.Set(CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
  if (options.ca_file.empty()) return;
  const auto* const none = static_cast<const char*>(nullptr);
  set.Set(CURLOPT_CAINFO, options.ca_file.c_str());
  set.Set(CURLOPT_PROXY_CAINFO, options.ca_file.c_str());
  // Otherwise the system's folder of CAs would be trusted as well.
  set.Set(CURLOPT_CAPATH, none);
  set.Set(CURLOPT_PROXY_CAPATH, none);
}

void SetProxy(Options& set, const Proxy* proxy) {
  // With these two set libcurl looks at no variables.
  set.Set(CURLOPT_PROXY, proxy == nullptr ? "" : proxy->origin.c_str());
  set.Set(CURLOPT_NOPROXY, "");
  // The host's headers are for the host, and the proxy's are not the answer's.
  set.Set(CURLOPT_HEADEROPT, static_cast<CurlLong>(CURLHEADER_SEPARATE));
  set.Set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (proxy == nullptr || proxy->user.empty()) return;
  set.Set(CURLOPT_PROXYAUTH, static_cast<CurlLong>(CURLAUTH_BASIC));
  set.Set(CURLOPT_PROXYUSERNAME, std::string(proxy->user.Expose()).c_str());
  set.Set(CURLOPT_PROXYPASSWORD, std::string(proxy->password.Expose()).c_str());
}

void SetRequest(Options& set, const HttpsRequest& request) {
  switch (request.method) {
    case HttpsRequest::Method::kGet:
      set.Set(CURLOPT_HTTPGET, 1L);
      return;
    case HttpsRequest::Method::kHead:
      set.Set(CURLOPT_NOBODY, 1L);
      return;
    case HttpsRequest::Method::kPost:
      // Not copied.
      set.Set(CURLOPT_POSTFIELDSIZE, static_cast<CurlLong>(request.form.Expose().size()));
      set.Set(CURLOPT_POSTFIELDS, request.form.Expose().data());
      return;
  }
}

void SetCallbacks(Options& set, Progress& progress) {
  set.Set(CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  set.Set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&progress));
  set.Set(CURLOPT_WRITEFUNCTION, &ReceiveBody);
  set.Set(CURLOPT_WRITEDATA, static_cast<void*>(&progress));
  set.Set(CURLOPT_HEADERFUNCTION, &ReceiveHeader);
  set.Set(CURLOPT_HEADERDATA, static_cast<void*>(&progress));
}

absl::Duration TimeOf(CURL* curl, CURLINFO info) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(curl, info, &microseconds);
  return absl::Microseconds(microseconds);
}

HttpsTimes TimesOf(CURL* curl) {
  HttpsTimes times;
  times.total = TimeOf(curl, CURLINFO_TOTAL_TIME_T);
  CurlLong connections = 0;
  curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connections);
  times.reused = connections == 0;
  if (times.reused) return times;
  // Each of libcurl's counts from the start.
  const absl::Duration looked_up = TimeOf(curl, CURLINFO_NAMELOOKUP_TIME_T);
  const absl::Duration connected = TimeOf(curl, CURLINFO_CONNECT_TIME_T);
  times.name_lookup = looked_up;
  times.connect = connected - looked_up;
  times.tls = TimeOf(curl, CURLINFO_APPCONNECT_TIME_T) - connected;
  return times;
}

HttpsAnswer AnswerOf(CURL* curl, Progress& progress) {
  HttpsAnswer answer;
  CurlLong number = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &number);
  answer.status = static_cast<int>(number);
  curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &number);
  answer.http_version = number == CURL_HTTP_VERSION_2_0 ? 2 : 1;
  char* location = nullptr;
  curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location);
  if (location != nullptr) answer.location = location;
  answer.date = progress.headers.date();
  answer.retry_after = progress.headers.RetryAfter(absl::Now());
  answer.times = TimesOf(curl);
  answer.body = Secret(std::move(progress.body));
  return answer;
}

absl::Status ErrorOf(CURL* curl, const LoginUrl& url, const Progress& progress, CURLcode code,
                     const char* detail) {
  if (progress.too_large) {
    return Error(absl::StatusCode::kFailedPrecondition, "RESPONSE_TOO_LARGE",
                 absl::StrCat("the answer of ", url.origin, " is longer than ", progress.limit,
                              " bytes, or its headers are endless: check that the login URL is a "
                              "Salesforce one"));
  }
  if (progress.address_refused && !progress.socket_opened) {
    return Error(absl::StatusCode::kFailedPrecondition, "LOGIN_HOST_PRIVATE",
                 absl::StrCat("nothing is sent to ", url.origin,
                              ": its name leads to a private address, which no host of Salesforce "
                              "has. Correct the login URL or this machine's DNS; a stand-in or an "
                              "internal host goes into the setting private_login_hosts"));
  }
  CurlLong proxy_status = 0;
  curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  return TransferError({code, detail, url.origin, proxy_status});
}

}  // namespace

absl::StatusOr<HttpsAnswer> Transfer(CURL* curl, const HttpsClientOptions& options,
                                     const Target& target, const HttpsRequest& request,
                                     absl::Duration limit) {
  Progress progress{.limit = options.max_response_bytes};
  progress.public_only = !target.url.may_be_private && target.proxy == nullptr;
  // In one piece from the start, so that growing leaves no copy of a token behind.
  progress.body.reserve(progress.limit);
  std::string authorization;
  if (request.bearer != nullptr) {
    authorization = absl::StrCat("Authorization: Bearer ", request.bearer->Expose());
  }
  const absl::Cleanup wipe = [&] {
    WipeString(progress.body);
    WipeString(authorization);
  };
  // A list of our own: libcurl's would copy the token and free it as it is.
  std::string accept = "Accept: application/json";
  curl_slist last{.data = authorization.data(), .next = nullptr};
  curl_slist headers{.data = accept.data(), .next = authorization.empty() ? nullptr : &last};
  std::array<char, CURL_ERROR_SIZE> detail{};
  // The handle outlives them.
  const absl::Cleanup detach = [curl, &detail] {
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
    detail.fill('\0');
  };

  Options set(curl);
  set.Set(CURLOPT_URL, absl::StrCat(target.url.origin, target.url.path).c_str());
  set.Set(CURLOPT_PATH_AS_IS, 1L);
  SetProtocol(set);
  SetTls(set, options);
  SetProxy(set, target.proxy);
  SetRequest(set, request);
  SetCallbacks(set, progress);
  set.Set(CURLOPT_HTTPHEADER, &headers);
  set.Set(CURLOPT_ERRORBUFFER, detail.data());
  set.Set(CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(std::min(options.connect_timeout, limit)));
  set.Set(CURLOPT_TIMEOUT_MS, Milliseconds(limit));
  RETURN_IF_ERROR(set.status());

  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) return ErrorOf(curl, target.url, progress, code, detail.data());
  return AnswerOf(curl, progress);
}

}  // namespace keyward::client
