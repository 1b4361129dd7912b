#include "client/token_exchange.h"

#include <curl/curl.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "client/token_response.h"
#include "common/error.h"
#include "common/file.h"
#include "common/openssl.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

constexpr char kTokenPath[] = "/services/oauth2/token";
// RFC 7523 section 2.1, form-encoded.
constexpr char kForm[] =
    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
// What libcurl's variadic calls read and write.
using CurlLong = long;  // NOLINT(google-runtime-int)
constexpr size_t kLargestResponseLimit = 16 << 20;

struct CurlDeleter {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(char* text) const { curl_free(text); }
};

absl::Status Invalid(absl::string_view reason, absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, reason, message);
}

absl::Status CheckCaFile(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string pem, ReadFile(path));
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate != nullptr) return absl::OkStatus();
  return Invalid("OPTIONS_INVALID",
                 absl::StrCat(path, " holds no PEM certificate: ", OpensslError("").message()));
}

// The part `part` of a URL, empty where it has none.
std::string UrlPart(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  const std::unique_ptr<char, CurlDeleter> owned(text);
  return text;
}

absl::StatusOr<std::string> TokenEndpoint(absl::string_view login_url) {
  const std::unique_ptr<CURLU, CurlDeleter> url(curl_url());
  const std::string text(login_url);
  const bool parsed = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
  const std::string path = UrlPart(url.get(), CURLUPART_PATH);
  bool only_origin =
      parsed && (path.empty() || path == "/") && login_url.find('\0') == absl::string_view::npos;
  for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
                               CURLUPART_FRAGMENT, CURLUPART_OPTIONS}) {
    only_origin = only_origin && UrlPart(url.get(), part).empty();
  }
  if (!only_origin || UrlPart(url.get(), CURLUPART_SCHEME) != "https") {
    return Invalid("LOGIN_URL_INVALID",
                   "the login URL must be https:// and a host, with a port if need be, and nothing "
                   "else: https://login.salesforce.com");
  }
  curl_url_set(url.get(), CURLUPART_PATH, kTokenPath, 0);
  return UrlPart(url.get(), CURLUPART_URL);
}

// RFC 7515 section 7.1: three base64url parts. All of that may stand in a form
// as it is.
absl::Status CheckAssertion(absl::string_view assertion) {
  const std::vector<absl::string_view> parts = absl::StrSplit(assertion, '.');
  const auto is_part = [](absl::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
    });
  };
  if (parts.size() == 3 && std::all_of(parts.begin(), parts.end(), is_part)) {
    return absl::OkStatus();
  }
  return Invalid("ASSERTION_MALFORMED",
                 "the assertion is not a JWS in compact serialization (RFC 7515 section 7.1)");
}

struct Body {
  std::string text;
  size_t limit;
  bool too_large = false;
};

size_t Receive(char* data, size_t size, size_t count, void* user) {
  auto* body = static_cast<Body*>(user);
  const size_t bytes = size * count;
  if (bytes > body->limit - body->text.size()) {
    body->too_large = true;
    return 0;
  }
  body->text.append(data, bytes);
  return bytes;
}

absl::Status TransferError(CURLcode code, const std::string& endpoint, absl::string_view detail) {
  if (detail.empty()) detail = curl_easy_strerror(code);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Error(absl::StatusCode::kDeadlineExceeded, "LOGIN_HOST_TIMEOUT",
                   absl::StrCat("no answer from ", endpoint, " in time: ", detail));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return Error(absl::StatusCode::kFailedPrecondition, "LOGIN_HOST_NOT_TRUSTED",
                   absl::StrCat("the certificate of ", endpoint, " is not trusted: ", detail,
                                "; check the login URL and the CA file"));
    default:
      return Error(absl::StatusCode::kUnavailable, "LOGIN_HOST_UNREACHABLE",
                   absl::StrCat("cannot exchange with ", endpoint, ": ", detail));
  }
}

// Milliseconds for libcurl, to which 0 would mean "no limit".
CurlLong Milliseconds(absl::Duration duration) {
  return static_cast<CurlLong>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 1, 24L * 3600 * 1000));
}

void SetOptions(CURL* curl, const TokenExchangeOptions& options, absl::Duration total) {
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<CurlLong>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
    // Otherwise the system's folder of CAs would be trusted as well.
    curl_easy_setopt(curl, CURLOPT_CAPATH, static_cast<char*>(nullptr));
  }
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(options.connect_timeout));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, Milliseconds(total));
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "keyward");
}

absl::StatusOr<HttpAnswer> Post(const TokenExchangeOptions& options, const std::string& endpoint,
                                const Secret& assertion, absl::Duration total) {
  const std::unique_ptr<CURL, CurlDeleter> curl(curl_easy_init());
  if (curl == nullptr) return absl::InternalError("curl_easy_init");
  SetOptions(curl.get(), options, total);
  const std::unique_ptr<curl_slist, CurlDeleter> headers(
      curl_slist_append(nullptr, "Accept: application/json"));
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  std::array<char, CURL_ERROR_SIZE> detail{};
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, detail.data());

  std::string form = absl::StrCat(kForm, assertion.Expose());
  Body body{.text = {}, .limit = options.max_response_bytes};
  // In one piece from the start, so that growing leaves no copy of a token behind.
  body.text.reserve(body.limit);
  absl::Cleanup wipe = [&] {
    WipeString(form);
    WipeString(body.text);
  };
  curl_easy_setopt(curl.get(), CURLOPT_URL, endpoint.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, form.data());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<CurlLong>(form.size()));
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &Receive);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);

  const CURLcode code = curl_easy_perform(curl.get());
  if (body.too_large) {
    return Error(absl::StatusCode::kFailedPrecondition, "RESPONSE_TOO_LARGE",
                 absl::StrCat("the answer of ", endpoint, " is longer than ", body.limit,
                              " bytes: check that the login URL is a Salesforce one"));
  }
  if (code != CURLE_OK) return TransferError(code, endpoint, detail.data());

  HttpAnswer answer;
  CurlLong status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  char* location = nullptr;
  curl_easy_getinfo(curl.get(), CURLINFO_REDIRECT_URL, &location);
  if (location != nullptr) answer.location = location;
  answer.body = Secret(std::move(body.text));
  return answer;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TokenExchange>> TokenExchange::New(
    const TokenExchangeOptions& options) {
  if (options.connect_timeout <= absl::ZeroDuration() ||
      options.total_timeout <= absl::ZeroDuration()) {
    return Invalid("OPTIONS_INVALID", "the exchange's timeouts must be longer than 0");
  }
  if (options.max_response_bytes < 1 || options.max_response_bytes > kLargestResponseLimit) {
    return Invalid("OPTIONS_INVALID", "max_response_bytes must be from 1 to 16 MiB");
  }
  RETURN_IF_ERROR(CheckCaFile(options.ca_file));
  // Once, before any thread uses libcurl.
  static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialized != CURLE_OK) return absl::InternalError("libcurl cannot be initialized");
  return std::unique_ptr<TokenExchange>(new TokenExchange(options));
}

TokenExchange::TokenExchange(TokenExchangeOptions options) : options_(std::move(options)) {}

TokenExchange::~TokenExchange() = default;

absl::StatusOr<AccessToken> TokenExchange::Exchange(absl::string_view login_url,
                                                    const Secret& assertion, absl::Time deadline) {
  ASSIGN_OR_RETURN(const std::string endpoint, TokenEndpoint(login_url));
  RETURN_IF_ERROR(CheckAssertion(assertion.Expose()));
  const absl::Duration total = std::min(options_.total_timeout, deadline - absl::Now());
  if (total <= absl::ZeroDuration()) {
    return Error(absl::StatusCode::kDeadlineExceeded, "LOGIN_HOST_TIMEOUT",
                 "the deadline passed before the exchange; nothing was sent");
  }
  ASSIGN_OR_RETURN(const HttpAnswer answer, Post(options_, endpoint, assertion, total));
  return ReadTokenResponse(answer, assertion);
}

}  // namespace keyward::client
