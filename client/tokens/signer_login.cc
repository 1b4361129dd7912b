#include "client/tokens/signer_login.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "client/claims_for_connection.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// A host that had less time than this to answer has not failed.
constexpr absl::Duration kFairTime = absl::Seconds(5);
// Connections whose audience is remembered; forgetting one costs a POST.
constexpr size_t kMostPreferred = 10000;

bool SaysAboutHost(const absl::Status& outcome, absl::Duration given) {
  return !absl::IsDeadlineExceeded(outcome) || given >= kFairTime;
}

}  // namespace

SignerLogin::SignerLogin(SignerLoginParts parts) : parts_(std::move(parts)) {}

absl::StatusOr<LoginResult> SignerLogin::Run(const LoginRequest& request, absl::Time deadline,
                                             LoginTimes* times) {
  absl::StatusOr<LoginResult> result = absl::InternalError("no audience was tried");
  bool fresh_time_tried = false;
  for (const std::string& audience : AudiencesToTry(*request.connection)) {
    result = SignAndPost(request, audience, deadline, times);
    if (ReasonOf(result.status()) == "ASSERTION_EXPIRED" && !fresh_time_tried) {
      fresh_time_tried = true;
      result = SignAndPost(request, audience, deadline, times);
    }
    if (ReasonOf(result.status()) != "INVALID_AUDIENCE") break;
  }
  if (result.ok()) Remember(*request.connection, result->audience);
  return result;
}

std::vector<std::string> SignerLogin::AudiencesToTry(const v1::Connection& connection) {
  std::vector<std::string> audiences(connection.audiences().begin(), connection.audiences().end());
  // ClaimsFor() says what is missing.
  if (audiences.empty()) return {""};
  MutexLock lock(&mutex_);
  const auto preferred = preferred_.find(connection.name());
  if (preferred == preferred_.end() || preferred->second.etag != connection.etag()) {
    return audiences;
  }
  const auto first = std::find(audiences.begin(), audiences.end(), preferred->second.audience);
  if (first != audiences.end()) std::rotate(audiences.begin(), first, first + 1);
  return audiences;
}

void SignerLogin::Remember(const v1::Connection& connection, const std::string& audience) {
  MutexLock lock(&mutex_);
  if (connection.audiences(0) == audience) {
    preferred_.erase(connection.name());
    return;
  }
  if (preferred_.size() >= kMostPreferred) preferred_.clear();
  preferred_.insert_or_assign(connection.name(), Preferred{connection.etag(), audience});
}

absl::StatusOr<LoginResult> SignerLogin::SignAndPost(const LoginRequest& request,
                                                     const std::string& audience,
                                                     absl::Time deadline, LoginTimes* times) {
  const v1::Connection& connection = *request.connection;
  ASSIGN_OR_RETURN(const std::string claims,
                   ClaimsFor(connection, {.subject = request.subject,
                                          .audience = audience,
                                          .lifetime = parts_.assertion_lifetime}));
  // Before signing, so that the token does not work for nothing.
  ASSIGN_OR_RETURN(CircuitBreaker::Permit permit, parts_.circuits->Ask(connection.login_url()));
  RETURN_IF_ERROR(parts_.budget->Take(connection.name(), request.subject));
  const absl::Time began = absl::Now();
  const absl::StatusOr<Assertion> assertion =
      parts_.signer()->Sign(connection.name(), claims,
                            {.on_behalf_of = request.on_behalf_of,
                             .traceparent = request.traceparent,
                             .deadline = deadline});
  const absl::Time signed_at = absl::Now();
  times->signer += signed_at - began;
  if (!assertion.ok()) {
    parts_.budget->Return(connection.name(), request.subject);
    return assertion.status();
  }
  ++times->posts;
  absl::StatusOr<AccessToken> granted =
      parts_.exchange->Exchange(connection.login_url(), assertion->jws, deadline);
  times->network += absl::Now() - signed_at;
  if (SaysAboutHost(granted.status(), deadline - signed_at)) permit.Report(granted.status());
  RETURN_IF_ERROR(granted.status());
  return LoginResult{*std::move(granted), audience};
}

}  // namespace keyward::client
