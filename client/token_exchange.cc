#include "client/token_exchange.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/token_response.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

constexpr char kTokenPath[] = "/services/oauth2/token";
// RFC 7523 section 2.1, form-encoded.
constexpr char kForm[] =
    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";

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
  return Error(absl::StatusCode::kInvalidArgument, "ASSERTION_MALFORMED",
               "the assertion is not a JWS in compact serialization (RFC 7515 section 7.1)");
}

}  // namespace

absl::StatusOr<std::unique_ptr<TokenExchange>> TokenExchange::New(
    std::shared_ptr<HttpsClient> https) {
  if (https == nullptr) {
    return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID",
                 "a token exchange needs an HTTPS client");
  }
  return std::unique_ptr<TokenExchange>(new TokenExchange(std::move(https)));
}

TokenExchange::TokenExchange(std::shared_ptr<HttpsClient> https) : https_(std::move(https)) {}

TokenExchange::~TokenExchange() = default;

absl::StatusOr<AccessToken> TokenExchange::Exchange(absl::string_view login_url,
                                                    const Secret& assertion, absl::Time deadline,
                                                    HttpsTimes* times) {
  ASSIGN_OR_RETURN(const LoginUrl url, https_->hosts().Check(login_url));
  RETURN_IF_ERROR(CheckAssertion(assertion.Expose()));
  HttpsRequest request;
  request.method = HttpsRequest::Method::kPost;
  request.url = absl::StrCat(url.origin, kTokenPath);
  request.form = Secret(absl::StrCat(kForm, assertion.Expose()));
  ASSIGN_OR_RETURN(const HttpsAnswer answer, https_->Send(request, deadline));
  if (times != nullptr) *times = answer.times;
  return ReadTokenResponse(answer, assertion);
}

}  // namespace keyward::client
