#include "client/cli/test_report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "client/cli/output.h"
#include "client/test_connection/test_connection.h"

namespace keyward::client {
namespace {

struct Mark {
  const char* word;
  const char* symbol;
  // SGR parameter (ECMA-48 8.3.117).
  const char* colour;
};

Mark MarkOf(v1::TestStep::Result result) {
  switch (result) {
    case v1::TestStep::PASSED:
      return {"passed", "✓", "32"};
    case v1::TestStep::WARNING:
      return {"warning", "!", "33"};
    case v1::TestStep::FAILED:
      return {"FAILED", "✗", "31"};
    default:
      return {"skipped", "-", "2"};
  }
}

std::string Marked(v1::TestStep::Result result, ReportStyle style) {
  const Mark mark = MarkOf(result);
  if (style == ReportStyle::kPlain) return absl::StrFormat("%-7s", mark.word);
  if (style == ReportStyle::kSymbols) return mark.symbol;
  return absl::StrCat("\x1b[", mark.colour, "m", mark.symbol, "\x1b[0m");
}

std::string TimeTaken(const google::protobuf::Duration& duration) {
  const int64_t milliseconds = duration.seconds() * 1000 + duration.nanos() / 1'000'000;
  if (milliseconds < 1000) return absl::StrCat(milliseconds, " ms");
  return absl::StrFormat("%.1f s", static_cast<double>(milliseconds) / 1000);
}

std::string WaitText(const google::protobuf::Duration& wait) {
  return wait.seconds() < 120 ? absl::StrCat(wait.seconds(), " seconds")
                              : absl::StrCat((wait.seconds() + 59) / 60, " minutes");
}

std::string DiagnosisText(const v1::Diagnosis& diagnosis) {
  std::string text = absl::StrCat("  ", Plain(diagnosis.meaning()), "\n\nWhat to do:\n");
  int number = 0;
  for (const std::string& step : diagnosis.steps()) {
    absl::StrAppend(&text, "  ", ++number, ". ", Plain(step), "\n");
  }
  if (diagnosis.waiting_helps()) {
    absl::StrAppend(&text, "\nWaiting may help: test again in ", WaitText(diagnosis.wait()), ".\n");
  }
  return text;
}

}  // namespace

std::string StepLine(const v1::TestStep& step, ReportStyle style) {
  std::string line = absl::StrCat(Marked(step.result(), style), "  ",
                                  absl::StrFormat("%-11s", std::string(StepName(step.kind()))),
                                  "  ", Plain(step.detail()));
  if (step.result() != v1::TestStep::SKIPPED) {
    absl::StrAppend(&line, " (", TimeTaken(step.duration()), ")");
  }
  return absl::StrCat(line, "\n");
}

std::string Conclusion(const v1::TestConnectionResponse& report, ReportStyle style) {
  std::string text = "\n";
  const auto heading = [&](v1::TestStep::Result result, const std::string& words) {
    // In plain text the words say it themselves.
    if (style != ReportStyle::kPlain) absl::StrAppend(&text, Marked(result, style), "  ");
    absl::StrAppend(&text, Plain(words), "\n");
  };
  heading(report.verified() ? v1::TestStep::PASSED : v1::TestStep::FAILED, report.summary());
  if (!report.has_diagnosis()) return text;
  if (report.verified()) {
    absl::StrAppend(&text, "\n");
    heading(v1::TestStep::WARNING, absl::StrCat("But: ", report.diagnosis().title()));
  }
  return absl::StrCat(text, DiagnosisText(report.diagnosis()));
}

}  // namespace keyward::client
