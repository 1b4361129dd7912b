#include "client/https/https_client.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/https/curl_handle.h"
#include "client/https/proxy.h"
#include "client/https/transfer.h"
#include "common/error.h"
#include "common/file.h"
#include "common/mutex.h"
#include "common/pem.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

constexpr size_t kLargestResponseLimit = 16 << 20;
// Connections kept open while nobody uses them.
constexpr size_t kMaxIdle = 64;

absl::Status InvalidOptions(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID", message);
}

absl::Status CheckCaFile(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string pem, ReadFile(path));
  const absl::Status certificates = ParsePemCertificates(pem).status();
  if (certificates.ok()) return absl::OkStatus();
  return InvalidOptions(absl::StrCat(path, " ", certificates.message()));
}

absl::Status CheckOptions(const HttpsClientOptions& options) {
  if (options.connect_timeout <= absl::ZeroDuration() ||
      options.total_timeout <= absl::ZeroDuration()) {
    return InvalidOptions("the timeouts of HTTPS must be longer than 0");
  }
  if (options.max_response_bytes < 1 || options.max_response_bytes > kLargestResponseLimit) {
    return InvalidOptions("max_response_bytes must be from 1 to 16 MiB");
  }
  return CheckCaFile(options.ca_file);
}

absl::Status CheckBearer(const Secret* bearer) {
  if (bearer == nullptr) return absl::OkStatus();
  const absl::string_view text = bearer->Expose();
  const auto is_graph = [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_graph)) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, "BEARER_MALFORMED",
               "an access token is printable ASCII without spaces");
}

std::string ReadEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// libcurl's handles while nobody uses them. Each has a connection of its own to one origin, for
// good: what was opened for a host that may be private can serve no other.
class IdleHandles {
 public:
  // The one for `origin` that was used last, and so is the least likely to have been closed by the
  // host, or a new one.
  CurlPtr Take(const std::string& origin) ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(&mutex_);
    const auto found = std::find_if(idle_.rbegin(), idle_.rend(),
                                    [&origin](const Idle& idle) { return idle.origin == origin; });
    if (found == idle_.rend()) return CurlPtr(curl_easy_init());
    CurlPtr curl = std::move(found->curl);
    idle_.erase(std::next(found).base());
    return curl;
  }

  void Return(const std::string& origin, CurlPtr curl) ABSL_LOCKS_EXCLUDED(mutex_) {
    // Its connection, name look-ups and TLS session stay.
    curl_easy_reset(curl.get());
    // Closed after the lock is given back.
    CurlPtr oldest;
    const MutexLock lock(&mutex_);
    idle_.push_back({origin, std::move(curl)});
    if (idle_.size() <= kMaxIdle) return;
    oldest = std::move(idle_.front().curl);
    idle_.pop_front();
  }

 private:
  struct Idle {
    std::string origin;
    CurlPtr curl;
  };

  Mutex mutex_;
  // In the order in which they were used.
  std::deque<Idle> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

class HttpsClient::Impl {
 public:
  Impl(HttpsClientOptions options, ProxyChoice proxy)
      : options_(std::move(options)), proxy_(std::move(proxy)) {}

  absl::StatusOr<HttpsAnswer> Send(const HttpsRequest& request, absl::Time deadline) {
    ASSIGN_OR_RETURN(const LoginUrl url, options_.hosts.CheckWithPath(request.url));
    RETURN_IF_ERROR(CheckBearer(request.bearer));
    const absl::Duration limit = std::min(options_.total_timeout, deadline - absl::Now());
    if (limit <= absl::ZeroDuration()) {
      return Error(absl::StatusCode::kDeadlineExceeded, "LOGIN_HOST_TIMEOUT",
                   absl::StrCat("the deadline passed before anything was sent to ", url.origin));
    }
    // A new handle has no connection, no name look-ups and no TLS session.
    CurlPtr curl = request.fresh ? CurlPtr(curl_easy_init()) : idle_.Take(url.origin);
    if (curl == nullptr) return absl::InternalError("curl_easy_init");
    absl::StatusOr<HttpsAnswer> answer =
        Transfer(curl.get(), options_, {url, proxy_.For(url.host)}, request, limit);
    if (answer.ok()) idle_.Return(url.origin, std::move(curl));
    return answer;
  }

  const LoginHosts& hosts() const { return options_.hosts; }

 private:
  const HttpsClientOptions options_;
  const ProxyChoice proxy_;
  IdleHandles idle_;
};

absl::StatusOr<std::unique_ptr<HttpsClient>> HttpsClient::New(HttpsClientOptions options) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(ProxyChoice proxy, ProxyChoice::New(options.proxy, ReadEnvironment));
  // From here on the URL is only where it wipes itself.
  if (options.proxy) WipeString(*options.proxy);
  // Once, before any thread uses libcurl.
  static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialized != CURLE_OK) return absl::InternalError("libcurl cannot be initialized");
  return std::unique_ptr<HttpsClient>(
      new HttpsClient(std::make_unique<Impl>(std::move(options), std::move(proxy))));
}

HttpsClient::HttpsClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpsClient::~HttpsClient() = default;

absl::StatusOr<HttpsAnswer> HttpsClient::Send(const HttpsRequest& request, absl::Time deadline) {
  return impl_->Send(request, deadline);
}

const LoginHosts& HttpsClient::hosts() const { return impl_->hosts(); }

}  // namespace keyward::client
