// SIGN and EXCHANGE: which audience does Salesforce take?
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/claims_for_connection.h"
#include "client/salesforce_error.h"
#include "client/test_connection/test_run.h"
#include "common/error.h"
#include "common/utf8.h"

namespace keyward::client {
namespace {

// Refusals that another audience may turn into a login.
bool NextAudienceMayHelp(const absl::Status& refusal) {
  const std::string reason = ReasonOf(refusal).value_or("");
  // What a wrong `aud` gets by the book.
  if (reason == "INVALID_AUDIENCE") return true;
  // Orgs were seen to answer "user hasn't approved this consumer" where the audience was
  // another org's or the wrong environment's: the user was looked for in the wrong place.
  if (reason == "USER_NOT_APPROVED") return true;
  // External Client Apps live in one org. With login. or test.salesforce.com as the
  // audience it is not found where with the org's My Domain it is.
  return reason == "APP_NOT_INSTALLED";
}

}  // namespace

bool TestRun::LogIn() {
  std::vector<absl::Status> refusals;
  for (const std::string& audience : connection_.audiences()) {
    context_.audiences.push_back(audience);
    const absl::Time start = absl::Now();
    if (const absl::Status taken = TakeLogin(); !taken.ok()) {
      Add(v1::TestStep::SIGN,
          {v1::TestStep::SKIPPED, "Not tried, because there is no login to sign for.",
           absl::OkStatus()},
          absl::ZeroDuration());
      Add(v1::TestStep::EXCHANGE, Failed(taken), absl::Now() - start);
      refusals.push_back(taken);
      break;
    }
    const absl::StatusOr<Assertion> assertion = Sign(audience);
    if (!assertion.ok()) {
      ReturnLogin();
      return Add(v1::TestStep::SIGN, Failed(Told(assertion.status())), absl::Now() - start);
    }
    Add(v1::TestStep::SIGN,
        {v1::TestStep::PASSED,
         absl::StrCat("Key version ", assertion->key_version, " signed for ", Printable(audience),
                      "."),
         absl::OkStatus()},
        absl::Now() - start);
    const absl::Status refusal = Exchange(*assertion, audience);
    if (refusal.ok()) {
      // What was refused before no longer matters.
      failure_ = absl::OkStatus();
      report_.response().set_audience(audience);
      return true;
    }
    refusals.push_back(refusal);
    if (!NextAudienceMayHelp(refusal)) break;
  }
  ChooseFailure(refusals);
  return false;
}

// Before signing, so that the token does not work for nothing.
absl::Status TestRun::TakeLogin() {
  if (parts_.take_login == nullptr) return absl::OkStatus();
  return parts_.take_login(connection_.name(), context_.subject);
}

void TestRun::ReturnLogin() {
  if (parts_.return_login != nullptr) parts_.return_login(connection_.name(), context_.subject);
}

absl::StatusOr<Assertion> TestRun::Sign(const std::string& audience) {
  const absl::StatusOr<std::string> claims =
      ClaimsFor(connection_, {.subject = context_.subject, .audience = audience}, parts_.now());
  if (!claims.ok()) return claims.status();
  SignOptions options;
  options.key_version = key_version_;
  options.on_behalf_of = call_.on_behalf_of;
  options.traceparent = call_.traceparent;
  options.deadline = call_.deadline;
  return parts_.signer.Sign(connection_.name(), *claims, options);
}

absl::Status TestRun::Exchange(const Assertion& assertion, const std::string& audience) {
  const absl::Time start = absl::Now();
  const auto add = [&](const Finding& finding) {
    Add(v1::TestStep::EXCHANGE, finding, absl::Now() - start);
    return finding.result == v1::TestStep::FAILED ? finding.problem : absl::OkStatus();
  };
  // Not its owner, and gone before the parts are.
  const std::shared_ptr<HttpsClient> https(std::shared_ptr<void>(), &parts_.https);
  const auto exchange = TokenExchange::New(https);
  if (!exchange.ok()) return add(Failed(exchange.status()));
  absl::StatusOr<AccessToken> granted =
      (*exchange)->Exchange(connection_.login_url(), assertion.jws, call_.deadline);
  if (!granted.ok()) return add(Failed(granted.status()));
  granted_ = *std::move(granted);
  return add(Granted(audience));
}

Finding TestRun::Granted(const std::string& audience) {
  const std::string detail = absl::StrCat("Salesforce accepts ", Printable(audience), ".");
  if (audience == connection_.audiences(0)) {
    return {v1::TestStep::PASSED, detail, absl::OkStatus()};
  }
  const auto preferred = parts_.signer.PreferAudience(connection_.name(), audience, SignerCall());
  if (!preferred.ok()) {
    return {v1::TestStep::WARNING,
            absl::StrCat(detail, " It could not be put first: ",
                         Printable(Told(preferred.status()).message())),
            absl::OkStatus()};
  }
  return {v1::TestStep::PASSED, absl::StrCat(detail, " It is the connection's first one now."),
          absl::OkStatus()};
}

void TestRun::ChooseFailure(const std::vector<absl::Status>& refusals) {
  // A refused audience says least, and a fault on the way to the last one less than what
  // Salesforce said of one before.
  const auto tells =
      std::find_if(refusals.rbegin(), refusals.rend(), [](const absl::Status& refusal) {
        return SalesforceErrorOf(refusal) && ReasonOf(refusal) != "INVALID_AUDIENCE" &&
               ReasonOf(refusal) != "SALESFORCE_TRANSIENT";
      });
  if (tells != refusals.rend()) failure_ = *tells;
  // With another key in the app the refusal would be the same, so say what is known.
  if (ReasonOf(failure_) == "INVALID_ASSERTION" && !certificate_problem_.ok() &&
      ReasonOf(certificate_problem_) != "CERTIFICATE_EXPIRING") {
    failure_ = certificate_problem_;
  }
}

}  // namespace keyward::client
