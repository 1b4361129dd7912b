// Collects the steps of a test. Internal to Test Connection.
#ifndef KEYWARD_CLIENT_TEST_CONNECTION_REPORT_H_
#define KEYWARD_CLIENT_TEST_CONNECTION_REPORT_H_

#include <keyward/v1/exchange.pb.h>

#include <functional>

#include "absl/time/time.h"
#include "client/test_connection/findings.h"

namespace keyward::client {

class Report {
 public:
  // `on_step` may be null.
  explicit Report(std::function<void(const v1::TestStep&)> on_step)
      : on_step_(std::move(on_step)) {}

  // Returns whether the step did not fail. The first problem of a WARNING is kept, for a
  // diagnosis beside one that is verified.
  bool Add(v1::TestStep::Kind kind, const Finding& finding, absl::Duration took);

  // SKIPPED for every kind of step behind the last one.
  void SkipTheRest();

  // OK where no step warned.
  const absl::Status& first_warning() const { return first_warning_; }
  v1::TestConnectionResponse& response() { return response_; }

 private:
  void Append(v1::TestStep step);

  const std::function<void(const v1::TestStep&)> on_step_;
  v1::TestConnectionResponse response_;
  absl::Status first_warning_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TEST_CONNECTION_REPORT_H_
