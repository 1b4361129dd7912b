#include "client/tokens/connection_directory.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"

namespace keyward::client {
namespace {

constexpr size_t kFirstForgetAt = 256;

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectionDirectory>> ConnectionDirectory::New(
    const ConnectionDirectoryOptions& options, Fetch fetch, Clock clock) {
  if (options.keep < absl::ZeroDuration() || options.keep_not_found < absl::ZeroDuration() ||
      options.fetch_timeout <= absl::ZeroDuration()) {
    return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID",
                 "how long connections are kept must be 0 or more, and the time for asking the "
                 "signer longer than 0");
  }
  return std::unique_ptr<ConnectionDirectory>(
      new ConnectionDirectory(options, std::move(fetch), std::move(clock)));
}

ConnectionDirectory::ConnectionDirectory(const ConnectionDirectoryOptions& options, Fetch fetch,
                                         Clock clock)
    : options_(options),
      fetch_(std::move(fetch)),
      clock_(std::move(clock)),
      forget_at_(kFirstForgetAt) {}

const ConnectionDirectory::Known* ConnectionDirectory::FindFresh(absl::string_view name) {
  const auto found = known_.find(name);
  return found != known_.end() && clock_() < found->second.until ? &found->second : nullptr;
}

std::optional<absl::StatusOr<ConnectionDirectory::Settings>> ConnectionDirectory::Peek(
    absl::string_view name) {
  MutexLock lock(&mutex_);
  const Known* known = FindFresh(name);
  if (known == nullptr) return std::nullopt;
  return known->answer;
}

absl::StatusOr<ConnectionDirectory::Settings> ConnectionDirectory::Get(absl::string_view name,
                                                                       absl::Time deadline) {
  const std::string key(name);
  std::shared_ptr<Question> question;
  {
    MutexLock lock(&mutex_);
    if (const Known* known = FindFresh(key)) return known->answer;
    std::shared_ptr<Question>& asked = questions_[key];
    if (asked != nullptr) {
      question = asked;
      const auto answered = [&question] { return question->answer.has_value(); };
      if (mutex_.AwaitWithTimeout(answered, deadline - clock_())) return *question->answer;
      return Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
                   "the deadline passed while the signer was asked for the connection");
    }
    asked = question = std::make_shared<Question>();
  }
  absl::StatusOr<v1::Connection> fetched = fetch_(key, absl::Now() + options_.fetch_timeout);
  absl::StatusOr<Settings> answer = nullptr;
  if (fetched.ok()) {
    answer = std::make_shared<const v1::Connection>(*std::move(fetched));
  } else {
    answer = fetched.status();
  }
  MutexLock lock(&mutex_);
  Remember(key, answer);
  questions_.erase(key);
  question->answer = answer;
  return answer;
}

void ConnectionDirectory::Remember(const std::string& name,
                                   const absl::StatusOr<Settings>& answer) {
  const absl::Time now = clock_();
  if (known_.size() >= forget_at_) {
    absl::erase_if(known_, [now](const auto& known) { return known.second.until <= now; });
    forget_at_ = std::max(kFirstForgetAt, 2 * known_.size());
  }
  if (answer.ok()) {
    known_.insert_or_assign(name, Known{answer, now + options_.keep});
  } else if (absl::IsNotFound(answer.status()) || absl::IsPermissionDenied(answer.status())) {
    known_.insert_or_assign(name, Known{answer, now + options_.keep_not_found});
  }
}

size_t ConnectionDirectory::size() const {
  MutexLock lock(&mutex_);
  return known_.size();
}

}  // namespace keyward::client
