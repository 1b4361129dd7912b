#include "client/https/answer_headers.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace keyward::client {
namespace {

// What servers take, too.
constexpr size_t kMaxBytes = 64 << 10;

// RFC 9110 section 5.6.7, in each of its three forms.
std::optional<absl::Time> ReadDate(absl::string_view text) {
  // curl_getdate() reads digits alone as a year or a day.
  if (text.find(' ') == absl::string_view::npos) return std::nullopt;
  const time_t time = curl_getdate(std::string(text).c_str(), nullptr);
  if (time < 0) return std::nullopt;
  return absl::FromTimeT(time);
}

// RFC 9110 section 10.2.3, delay-seconds.
std::optional<absl::Duration> ReadSeconds(absl::string_view text) {
  uint32_t seconds = 0;
  if (text.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(text.front())) ||
      !absl::SimpleAtoi(text, &seconds)) {
    return std::nullopt;
  }
  return absl::Seconds(seconds);
}

}  // namespace

bool AnswerHeaders::Add(absl::string_view line) {
  bytes_ += line.size();
  if (bytes_ > kMaxBytes) return false;
  if (absl::StartsWith(line, "HTTP/")) {
    // Those before belonged to an informational answer (RFC 9110 section 15.2).
    date_.reset();
    retry_delay_.reset();
    retry_time_.reset();
    return true;
  }
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos) return true;
  const absl::string_view name = line.substr(0, colon);
  const absl::string_view value = absl::StripAsciiWhitespace(line.substr(colon + 1));
  if (absl::EqualsIgnoreCase(name, "Date")) {
    date_ = ReadDate(value);
  } else if (absl::EqualsIgnoreCase(name, "Retry-After")) {
    retry_delay_ = ReadSeconds(value);
    retry_time_ = retry_delay_ ? std::nullopt : ReadDate(value);
  }
  return true;
}

std::optional<absl::Duration> AnswerHeaders::RetryAfter(absl::Time now) const {
  if (retry_delay_) return retry_delay_;
  if (!retry_time_) return std::nullopt;
  return std::max(absl::ZeroDuration(), *retry_time_ - date_.value_or(now));
}

}  // namespace keyward::client
