#include "client/test_connection/test_run.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/claims_for_connection.h"
#include "client/https/https_client.h"
#include "common/error.h"
#include "common/utf8.h"

namespace keyward::client {
namespace {

// Salesforce may take this long until every server knows of a change.
constexpr absl::Duration kPropagation = absl::Minutes(10);

// Real time: how long a step takes, whatever the clock under test says.
class Stopwatch {
 public:
  absl::Duration Elapsed() const { return absl::Now() - start_; }

 private:
  const absl::Time start_ = absl::Now();
};

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

Finding Passed(std::string detail) {
  return {v1::TestStep::PASSED, std::move(detail), absl::OkStatus()};
}

// The login host answered: how far our clock is ahead of its Date, which has whole
// seconds and was written somewhere between our request and the end of its answer.
std::optional<absl::Duration> SkewOf(const HttpsAnswer& answer, absl::Time now) {
  if (!answer.date) return std::nullopt;
  const HttpsTimes& times = answer.times;
  const absl::Duration waited = times.total - times.name_lookup - times.connect - times.tls;
  return now - waited / 2 - (*answer.date + absl::Milliseconds(500));
}

constexpr char kReached[] = "Its name resolves, and it takes connections.";

}  // namespace

v1::TestConnectionResponse TestRun::Run() {
  context_.by_exchange = parts_.by_exchange;
  context_.connection = connection_.name();
  context_.login_url = connection_.login_url();
  context_.consumer_key = connection_.consumer_key();
  if (call_.request.has_key_version()) key_version_ = call_.request.key_version();
  context_.key_version = key_version_;
  if (Settings() && Key() && Certificate() && Reach() && LogIn()) UseToken();
  report_.SkipTheRest();
  Conclude();
  return std::move(report_.response());
}

bool TestRun::Add(v1::TestStep::Kind kind, const Finding& finding, absl::Duration took) {
  const bool go_on = report_.Add(kind, finding, took);
  if (!go_on) failure_ = finding.problem;
  return go_on;
}

bool TestRun::Settings() {
  const Stopwatch stopwatch;
  const absl::StatusOr<std::string> subject = SubjectOf(connection_, call_.request.subject());
  if (subject.ok()) context_.subject = *subject;
  // All that an assertion needs; thrown away, for each audience gets its own.
  const absl::StatusOr<std::string> claims =
      ClaimsFor(connection_, {.subject = subject.value_or("")}, parts_.now());
  const absl::Status& problem = subject.ok() ? claims.status() : subject.status();
  if (!problem.ok()) return Add(v1::TestStep::SETTINGS, Failed(problem), stopwatch.Elapsed());
  return Add(
      v1::TestStep::SETTINGS,
      Passed(absl::StrCat("User ", Printable(*subject), " at ", Printable(connection_.login_url()),
                          ", ", connection_.audiences_size() == 1 ? "audience " : "audiences ",
                          Printable(absl::StrJoin(connection_.audiences(), ", ")), ".")),
      stopwatch.Elapsed());
}

CallOptions TestRun::SignerCall() const {
  return {.on_behalf_of = call_.on_behalf_of,
          .traceparent = call_.traceparent,
          .deadline = call_.deadline};
}

absl::Status TestRun::Told(const absl::Status& signer_error) const {
  return parts_.signer_error == nullptr ? signer_error : parts_.signer_error(signer_error);
}

bool TestRun::Key() {
  const Stopwatch stopwatch;
  const auto details =
      parts_.signer.InspectKeyVersion(connection_.name(), key_version_, SignerCall());
  if (!details.ok()) {
    return Add(v1::TestStep::KEY, Failed(Told(details.status())), stopwatch.Elapsed());
  }
  version_ = details->key_version();
  return Add(v1::TestStep::KEY, JudgeKey(*details), stopwatch.Elapsed());
}

bool TestRun::Certificate() {
  const Stopwatch stopwatch;
  const auto certificate =
      parts_.signer.GetCertificate(connection_.name(), version_.number(), call_.deadline);
  if (!certificate.ok()) {
    return Add(v1::TestStep::CERTIFICATE, Failed(Told(certificate.status())), stopwatch.Elapsed());
  }
  const absl::Time now = parts_.now();
  const auto lately = [now](const google::protobuf::Timestamp& time) {
    return TimeOf(time) > now - kPropagation;
  };
  context_.recently_changed = lately(connection_.update_time()) || lately(version_.create_time()) ||
                              lately(certificate->not_before());
  const Finding finding = JudgeCertificate(*certificate, version_, now);
  certificate_problem_ = finding.problem;
  return Add(v1::TestStep::CERTIFICATE, finding, stopwatch.Elapsed());
}

bool TestRun::Reach() {
  const Stopwatch stopwatch;
  HttpsRequest request;
  request.method = HttpsRequest::Method::kHead;
  // A kept connection would say nothing of DNS and of the host's certificate today.
  request.fresh = true;
  request.url = absl::StrCat(connection_.login_url(), "/");
  const absl::StatusOr<HttpsAnswer> answer = parts_.https.Send(request, call_.deadline);
  if (!answer.ok()) {
    if (ReasonOf(answer.status()) != "LOGIN_HOST_NOT_TRUSTED") {
      return Add(v1::TestStep::LOGIN_HOST, Failed(answer.status()), stopwatch.Elapsed());
    }
    // Whoever is not trusted was reached first; how long that took is not known apart.
    Add(v1::TestStep::LOGIN_HOST, Passed(kReached), absl::ZeroDuration());
    return Add(v1::TestStep::TLS, Failed(answer.status()), stopwatch.Elapsed());
  }
  const HttpsTimes& times = answer->times;
  const absl::Duration reached = times.name_lookup + times.connect;
  context_.clock_skew = SkewOf(*answer, parts_.now());
  Add(v1::TestStep::LOGIN_HOST, Passed(kReached), reached);
  Add(v1::TestStep::TLS,
      Passed(absl::StrCat("Its certificate is trusted; HTTP/",
                          answer->http_version == 1 ? "1.1" : "2", ".")),
      times.tls);
  return Add(v1::TestStep::CLOCK, JudgeClock(context_.clock_skew),
             times.total - reached - times.tls);
}

void TestRun::UseToken() {
  const Stopwatch stopwatch;
  const absl::StatusOr<HttpsAnswer> answer = CallApi();
  const Finding call =
      answer.ok() ? JudgeApiAnswer(*answer, granted_->token) : Failed(answer.status());
  const bool called = Add(v1::TestStep::API_CALL, call, stopwatch.Elapsed());
  // userinfo answers without the scope `api`, and nothing else of the API does.
  const Finding scopes = JudgeScopes(granted_->scope);
  const bool usable = Add(v1::TestStep::SCOPES, scopes, absl::ZeroDuration());
  report_.response().set_verified(called && usable);
  const bool refused = answer.ok() && (answer->status == 401 || answer->status == 403);
  // The setting behind it, where it is known.
  if (refused && !scopes.problem.ok() && !AllowsApi(granted_->scope)) failure_ = scopes.problem;
}

absl::StatusOr<HttpsAnswer> TestRun::CallApi() {
  HttpsRequest request;
  request.method = HttpsRequest::Method::kGet;
  request.url = absl::StrCat(granted_->instance_url, "/services/oauth2/userinfo");
  request.bearer = &granted_->token;
  absl::StatusOr<HttpsAnswer> answer = parts_.https.Send(request, call_.deadline);
  if (answer.ok()) return answer;
  const std::string reason = ReasonOf(answer.status()).value_or("");
  if (reason != "LOGIN_HOST_NOT_ALLOWED" && reason != "LOGIN_HOST_PRIVATE" &&
      reason != "LOGIN_URL_INVALID") {
    // It is this host that could not be reached.
    context_.login_url = granted_->instance_url;
    return answer;
  }
  return Error(absl::StatusCode::kFailedPrecondition, "INSTANCE_URL_NOT_ALLOWED",
               absl::StrCat("The login's answer names ", Shown(granted_->instance_url),
                            " as the org's API."));
}

void TestRun::Conclude() {
  v1::TestConnectionResponse& response = report_.response();
  if (!failure_.ok()) {
    *response.mutable_diagnosis() = DiagnosisFor(failure_, context_);
    response.set_summary(response.diagnosis().title());
    return;
  }
  response.set_summary("Connection verified.");
  if (!report_.first_warning().ok()) {
    *response.mutable_diagnosis() = DiagnosisFor(report_.first_warning(), context_);
  }
}

}  // namespace keyward::client
