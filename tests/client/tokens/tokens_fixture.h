// AccessTokens over a login and a signer that do as the test says, in its time.
#ifndef KEYWARD_TESTS_CLIENT_TOKENS_TOKENS_FIXTURE_H_
#define KEYWARD_TESTS_CLIENT_TOKENS_TOKENS_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/tokens/access_tokens.h"
#include "common/error.h"
#include "tests/client/tokens/manual_scheduler.h"

namespace keyward::testing {

// An absl::Status, or what has a status().
inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& answer) {
  return answer.status();
}

MATCHER_P2(FailsWith, code, reason, "") {
  *result_listener << StatusOf(arg);
  return StatusOf(arg).code() == code && ReasonOf(StatusOf(arg)) == std::string(reason);
}

// Grants "token-1", "token-2" … unless it is told otherwise.
class ScriptedLogin : public client::Login {
 public:
  using Answer = std::function<absl::StatusOr<client::LoginResult>(const client::LoginRequest&,
                                                                   absl::Time deadline)>;

  absl::StatusOr<client::LoginResult> Run(const client::LoginRequest& request, absl::Time deadline,
                                          client::LoginTimes* times) override {
    ++logins;
    deadlines.push_back(deadline);
    subjects.push_back(request.subject);
    behalf.push_back(request.on_behalf_of);
    traces.push_back(request.traceparent);
    times->network += absl::Milliseconds(7);
    if (answer) return answer(request, deadline);
    return Token(absl::StrCat("token-", logins));
  }

  // From now on each login fails with `failure`; OK grants again.
  void FailWith(const absl::Status& failure) {
    answer = nullptr;
    if (!failure.ok()) answer = [failure](auto&&...) { return failure; };
  }

  static client::LoginResult Token(const std::string& text) {
    client::LoginResult result;
    result.granted.token = Secret(std::string(text));
    result.granted.instance_url = "https://acme.my.salesforce.com";
    result.audience = "https://login.salesforce.com";
    return result;
  }

  Answer answer;
  int logins = 0;
  std::vector<absl::Time> deadlines;
  std::vector<std::string> subjects;
  std::vector<std::string> behalf;
  std::vector<std::string> traces;
};

// A call and what it was answered.
struct Call {
  int answers = 0;
  absl::StatusOr<client::AccessTokens::Token> answer = absl::UnknownError("not answered yet");

  bool answered() const { return answers > 0; }
  std::string token() const {
    if (!answer.ok()) return answer.status().ToString();
    return std::string((*answer)->granted.token.Expose());
  }
};

struct RecordingObserver : client::TokenObserver {
  void OnCall(client::CallKind kind, const absl::Status&, absl::Duration) override {
    ++calls[kind];
  }
  void OnLogin(client::LoginCause cause, const absl::Status& outcome,
               const client::LoginTimes& times) override {
    causes.push_back(cause);
    outcomes.push_back(outcome);
    last_times = times;
  }

  std::map<client::CallKind, int> calls;
  std::vector<client::LoginCause> causes;
  std::vector<absl::Status> outcomes;
  client::LoginTimes last_times;
};

class TokensFixture : public ::testing::Test {
 protected:
  TokensFixture() {
    options_.refusal_memory = absl::Minutes(1);
    SetConnection("acme", {"user@acme.example"});
    Start();
  }

  void SetConnection(const std::string& name, const std::vector<std::string>& subjects,
                     const std::string& etag = "1") {
    v1::Connection connection;
    connection.set_name(name);
    connection.set_etag(etag);
    connection.set_consumer_key("key");
    connection.set_login_url("https://login.salesforce.com");
    for (const std::string& subject : subjects) connection.add_subjects(subject);
    known_[name] = connection;
  }

  // AccessTokens anew, with options_.
  void Start() {
    tokens_ = nullptr;
    auto scheduler = std::make_unique<ManualScheduler>();
    scheduler_ = scheduler.get();
    auto directory = client::ConnectionDirectory::New(
        directory_options_, [this](const std::string& name, absl::Time) { return Fetch(name); },
        [scheduler = scheduler_] { return scheduler->Now(); });
    auto tokens = client::AccessTokens::New(
        {.scheduler = std::move(scheduler), .login = login_, .connections = *std::move(directory)},
        options_, &observer_);
    ASSERT_TRUE(tokens.ok()) << tokens.status();
    tokens_ = *std::move(tokens);
  }

  absl::StatusOr<v1::Connection> Fetch(const std::string& name) {
    ++fetches_;
    if (on_fetch_) on_fetch_();
    if (!signer_error_.ok()) return signer_error_;
    const auto found = known_.find(name);
    if (found != known_.end()) return found->second;
    return Error(absl::StatusCode::kNotFound, "CONNECTION_NOT_FOUND", "no such connection");
  }

  static client::TokenRequest Request(const std::string& subject = "",
                                      const std::string& connection = "acme") {
    return {.connection = connection, .subject = subject};
  }
  static client::TokenRequest Rejected(const std::string& token) {
    return {.connection = "acme", .rejected = Secret(std::string(token))};
  }

  // A call that waits for `timeout` at most.
  std::shared_ptr<Call> Begin(client::TokenRequest request,
                              absl::Duration timeout = absl::Seconds(20)) {
    auto call = std::make_shared<Call>();
    tokens_->Get(std::move(request), scheduler_->Now() + timeout, [call](auto answer) {
      ++call->answers;
      call->answer = std::move(answer);
    });
    return call;
  }

  // A call and all that there is to do for it now.
  std::shared_ptr<Call> Get(client::TokenRequest request,
                            absl::Duration timeout = absl::Seconds(20)) {
    auto call = Begin(std::move(request), timeout);
    scheduler_->RunTasks();
    return call;
  }
  std::string TokenFor(client::TokenRequest request) { return Get(std::move(request))->token(); }

  client::AccessTokensOptions options_;
  client::ConnectionDirectoryOptions directory_options_;
  std::map<std::string, v1::Connection> known_;
  absl::Status signer_error_;
  int fetches_ = 0;
  std::function<void()> on_fetch_;
  std::shared_ptr<ScriptedLogin> login_ = std::make_shared<ScriptedLogin>();
  RecordingObserver observer_;
  ManualScheduler* scheduler_ = nullptr;
  std::unique_ptr<client::AccessTokens> tokens_;
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_CLIENT_TOKENS_TOKENS_FIXTURE_H_
