// The few headers of an answer that count. Internal to client/https.
#ifndef KEYWARD_CLIENT_HTTPS_ANSWER_HEADERS_H_
#define KEYWARD_CLIENT_HTTPS_ANSWER_HEADERS_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace keyward::client {

class AnswerHeaders {
 public:
  // Takes a line as libcurl hands them over: with its status line and its line end, informational
  // answers first. False where they are longer than an answer's headers should be.
  bool Add(absl::string_view line);

  std::optional<absl::Time> date() const { return date_; }

  // How long to wait from `now` on, where the answer says so.
  std::optional<absl::Duration> RetryAfter(absl::Time now) const;

 private:
  size_t bytes_ = 0;
  std::optional<absl::Time> date_;
  std::optional<absl::Duration> retry_delay_;
  std::optional<absl::Time> retry_time_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_HTTPS_ANSWER_HEADERS_H_
