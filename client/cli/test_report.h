// The report of Test Connection for people.
#ifndef KEYWARD_CLIENT_CLI_TEST_REPORT_H_
#define KEYWARD_CLIENT_CLI_TEST_REPORT_H_

#include <keyward/v1/exchange.pb.h>

#include <string>

namespace keyward::client {

enum class ReportStyle {
  // For files and pipes: words.
  kPlain,
  // For terminals: ✓ ! ✗, without and with colour.
  kSymbols,
  kColours,
};

// One line, with its end.
std::string StepLine(const v1::TestStep& step, ReportStyle style);

// What stands below the steps: the summary, and the diagnosis with numbered steps.
std::string Conclusion(const v1::TestConnectionResponse& report, ReportStyle style);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_CLI_TEST_REPORT_H_
