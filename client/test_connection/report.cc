#include "client/test_connection/report.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/test_connection/test_connection.h"
#include "common/error.h"

namespace keyward::client {

absl::string_view StepName(v1::TestStep::Kind kind) {
  switch (kind) {
    case v1::TestStep::SETTINGS:
      return "settings";
    case v1::TestStep::KEY:
      return "key";
    case v1::TestStep::CERTIFICATE:
      return "certificate";
    case v1::TestStep::LOGIN_HOST:
      return "login host";
    case v1::TestStep::TLS:
      return "TLS";
    case v1::TestStep::CLOCK:
      return "clock";
    case v1::TestStep::SIGN:
      return "signature";
    case v1::TestStep::EXCHANGE:
      return "login";
    case v1::TestStep::API_CALL:
      return "API call";
    case v1::TestStep::SCOPES:
      return "scopes";
    default:
      return "step";
  }
}

bool Report::Add(v1::TestStep::Kind kind, const Finding& finding, absl::Duration took) {
  v1::TestStep step;
  step.set_kind(kind);
  step.set_result(finding.result);
  step.set_detail(finding.detail);
  const int64_t nanoseconds = std::max<int64_t>(0, absl::ToInt64Nanoseconds(took));
  step.mutable_duration()->set_seconds(nanoseconds / 1'000'000'000);
  step.mutable_duration()->set_nanos(static_cast<int32_t>(nanoseconds % 1'000'000'000));
  if (finding.result == v1::TestStep::FAILED) {
    step.set_reason(ReasonOf(finding.problem).value_or("INTERNAL"));
  }
  if (finding.result == v1::TestStep::WARNING && first_warning_.ok()) {
    first_warning_ = finding.problem;
  }
  Append(std::move(step));
  return finding.result != v1::TestStep::FAILED;
}

void Report::SkipTheRest() {
  const auto& steps = response_.steps();
  const v1::TestStep::Kind last =
      steps.empty() ? v1::TestStep::KIND_UNSPECIFIED : steps.rbegin()->kind();
  for (int kind = last + 1; kind <= v1::TestStep::SCOPES; ++kind) {
    v1::TestStep step;
    step.set_kind(static_cast<v1::TestStep::Kind>(kind));
    step.set_result(v1::TestStep::SKIPPED);
    step.set_detail(
        absl::StrCat("Not tried, because the step before failed: ", StepName(last), "."));
    step.mutable_duration();
    Append(std::move(step));
  }
}

void Report::Append(v1::TestStep step) {
  if (on_step_) on_step_(step);
  *response_.add_steps() = std::move(step);
}

}  // namespace keyward::client
