#include "signer/audit/audit_line.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace keyward::signer {
namespace {

constexpr size_t kHexDigits = 64;
constexpr size_t kTimeBytes = 27;
// 2^64 has 20.
constexpr size_t kMaxNumberDigits = 20;
constexpr size_t kMaxMethodBytes = 64;
constexpr absl::string_view kTimePattern = "0000-00-00T00:00:00.000000Z";

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
  });
}

// The digits at the front of `line`, one number and one spelling: no zeros in front.
bool ConsumeNumber(absl::string_view* line, uint64_t* number) {
  size_t digits = 0;
  while (digits < line->size() && digits <= kMaxNumberDigits &&
         absl::ascii_isdigit(static_cast<unsigned char>((*line)[digits]))) {
    ++digits;
  }
  if (digits == 0 || line->front() == '0') return false;
  if (!absl::SimpleAtoi(line->substr(0, digits), number)) return false;
  line->remove_prefix(digits);
  return true;
}

bool ConsumeHash(absl::string_view* line, absl::string_view* hash) {
  *hash = line->substr(0, kHexDigits);
  if (hash->size() != kHexDigits || !IsHex(*hash)) return false;
  line->remove_prefix(kHexDigits);
  return true;
}

bool ConsumeTime(absl::string_view* line, absl::string_view* time) {
  *time = line->substr(0, kTimeBytes);
  const bool fits = std::equal(time->begin(), time->end(), kTimePattern.begin(),
                               kTimePattern.end(), [](char c, char pattern) {
                                 return pattern == '0'
                                            ? absl::ascii_isdigit(static_cast<unsigned char>(c))
                                            : c == pattern;
                               });
  if (!fits) return false;
  line->remove_prefix(kTimeBytes);
  return true;
}

bool ConsumeMethod(absl::string_view* line, absl::string_view* method) {
  size_t letters = 0;
  while (letters < line->size() && letters <= kMaxMethodBytes &&
         absl::ascii_isalnum(static_cast<unsigned char>((*line)[letters]))) {
    ++letters;
  }
  *method = line->substr(0, letters);
  if (letters == 0 || letters > kMaxMethodBytes) return false;
  line->remove_prefix(letters);
  return true;
}

bool ConsumeOutcome(absl::string_view* line, absl::string_view* outcome) {
  *outcome = line->substr(0, line->find('"'));
  line->remove_prefix(outcome->size());
  return *outcome == "done" || *outcome == "refused";
}

}  // namespace

std::optional<LineStart> ParseLineStart(absl::string_view line) {
  LineStart start;
  if (line.size() > kMaxLineBytes || !absl::EndsWith(line, "}")) return std::nullopt;
  const bool begins =
      absl::ConsumePrefix(&line, R"({"sequence":)") && ConsumeNumber(&line, &start.sequence) &&
      absl::ConsumePrefix(&line, R"(,"previous":")") && ConsumeHash(&line, &start.previous) &&
      absl::ConsumePrefix(&line, R"(","time":")") && ConsumeTime(&line, &start.time) &&
      absl::ConsumePrefix(&line, R"(","method":")") && ConsumeMethod(&line, &start.method) &&
      absl::ConsumePrefix(&line, R"(","outcome":")") && ConsumeOutcome(&line, &start.outcome) &&
      (line == R"("})" || absl::StartsWith(line, R"(",")"));
  if (!begins) return std::nullopt;
  return start;
}

std::optional<absl::Time> ParseLineTime(absl::string_view time) {
  absl::Time parsed;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, std::string(time), &parsed, &error)) {
    return std::nullopt;
  }
  return parsed;
}

}  // namespace keyward::signer
