// What is to be said of each thing that Test Connection looks at: judgements of what was
// read, without asking anyone. Internal to Test Connection.
#ifndef KEYWARD_CLIENT_TEST_CONNECTION_FINDINGS_H_
#define KEYWARD_CLIENT_TEST_CONNECTION_FINDINGS_H_

#include <keyward/v1/certificate.pb.h>
#include <keyward/v1/exchange.pb.h>
#include <keyward/v1/key_versions.pb.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/https/https_client.h"
#include "common/secret.h"

namespace keyward::client {

struct Finding {
  v1::TestStep::Result result = v1::TestStep::PASSED;
  // A sentence.
  std::string detail;
  // Why it is not PASSED, with the reason; OK for a WARNING that needs no diagnosis.
  absl::Status problem;
};

// `text` from elsewhere as a report shows it: safe for a terminal, and cut to 600 bytes,
// between characters, for a report is read on one screen.
std::string Readable(absl::string_view text);

// A FAILED step whose detail is the error's message.
Finding Failed(const absl::Status& problem);

// KEY_REFUSED, KEY_VERSION_DISABLED, KEY_VERSION_DESTROYED.
Finding JudgeKey(const v1::KeyVersionDetails& details);

// Salesforce verifies with the certificate's key, and whether it cares for the rest is
// disputed: what is wrong with the dates or the size is a WARNING, and the suspect
// when an assertion is refused. FAILED is CERTIFICATE_MALFORMED, and what can't sign at
// all: CERTIFICATE_KEY_MISMATCH, CERTIFICATE_KEY_TOO_SHORT. WARNINGs are
// CERTIFICATE_EXPIRED, CERTIFICATE_NOT_YET_VALID, CERTIFICATE_TOO_LONG,
// CERTIFICATE_EXPIRING, and without a problem a PEM form that is too long for an upload.
Finding JudgeCertificate(const v1::Certificate& certificate, const v1::KeyVersion& version,
                         absl::Time now);

// `skew`: how far our clock is ahead of the login host's. An assertion dated by a clock
// that is behind by its whole lifetime is expired when it arrives: FAILED, CLOCK_WRONG.
// From a minute on, a WARNING of the same reason. A clock that is ahead makes no
// assertion fail for certain: Salesforce seems not to limit `exp`.
Finding JudgeClock(std::optional<absl::Duration> skew);

// API_TOKEN_REFUSED, API_ACCESS_DENIED, SALESFORCE_TRANSIENT, API_ANSWER_UNEXPECTED.
// `token` is taken out of what the API says.
Finding JudgeApiAnswer(const HttpsAnswer& answer, const Secret& token);

// `scope` as granted, separated by spaces. A WARNING, SCOPES_MISSING, where it holds
// neither `api` nor `full`, or neither `refresh_token` nor `offline_access` (which `full`
// does not include), or is empty.
Finding JudgeScopes(absl::string_view scope);

// Whether the scopes allow calls of the API.
bool AllowsApi(absl::string_view scope);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TEST_CONNECTION_FINDINGS_H_
