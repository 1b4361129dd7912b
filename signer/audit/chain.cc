#include "signer/audit/chain.h"

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace keyward::signer {
namespace {

void AppendDigits(int64_t number, int digits, std::string& text) {
  const size_t end = text.size() + static_cast<size_t>(digits);
  text.resize(end);
  for (size_t i = end; digits > 0; --digits, number /= 10) {
    text[--i] = static_cast<char>('0' + number % 10);
  }
}

}  // namespace

std::string CheckpointStatement(const ChainLink& link, absl::string_view time) {
  return absl::StrCat("keyward audit checkpoint v1\n", link.sequence, "\n", link.sha256, "\n", time,
                      "\n");
}

// By hand: absl::FormatTime() takes longer than all the rest of a record.
void AppendAuditTime(absl::Time time, std::string& text) {
  const absl::TimeZone::CivilInfo info = absl::UTCTimeZone().At(time);
  const absl::CivilSecond& second = info.cs;
  AppendDigits(second.year(), 4, text);
  text += '-';
  AppendDigits(second.month(), 2, text);
  text += '-';
  AppendDigits(second.day(), 2, text);
  text += 'T';
  AppendDigits(second.hour(), 2, text);
  text += ':';
  AppendDigits(second.minute(), 2, text);
  text += ':';
  AppendDigits(second.second(), 2, text);
  text += '.';
  AppendDigits(absl::ToInt64Microseconds(info.subsecond), 6, text);
  text += 'Z';
}

}  // namespace keyward::signer
