// What a failed step of Test Connection means, and what to do in Salesforce Setup or
// here. The texts are data: diagnosis_*.cc have one row for each reason.
#ifndef KEYWARD_CLIENT_TEST_CONNECTION_DIAGNOSIS_H_
#define KEYWARD_CLIENT_TEST_CONNECTION_DIAGNOSIS_H_

#include <keyward/v1/exchange.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace keyward::client {

// What a diagnosis depends on besides the reason. Texts say "unknown" for what is empty.
struct DiagnosisContext {
  std::string connection;
  std::string subject;
  std::string login_url;
  std::string consumer_key;
  // The `aud`s that were tried.
  std::vector<std::string> audiences;
  std::optional<uint32_t> key_version;
  // How far our clock is ahead of the login host's; nothing where it is not known.
  std::optional<absl::Duration> clock_skew;
  // Whether the certificate was issued or the connection was changed within the last ten
  // minutes: Salesforce may not have it on every server yet.
  bool recently_changed = false;
  // keyward-exchange tests, with settings and a place of its own: texts name those and
  // not the command's.
  bool by_exchange = false;
};

// The diagnosis of `failure`, which must not be OK. A reason that has no row gets a
// diagnosis that shows the failure's message as it is. Thread-safe.
v1::Diagnosis DiagnosisFor(const absl::Status& failure, const DiagnosisContext& context);

// Whether `reason` has a row of its own.
bool HasDiagnosis(absl::string_view reason);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TEST_CONNECTION_DIAGNOSIS_H_
