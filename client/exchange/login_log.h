// A line of the log for each login.
#ifndef KEYWARD_CLIENT_EXCHANGE_LOGIN_LOG_H_
#define KEYWARD_CLIENT_EXCHANGE_LOGIN_LOG_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/tokens/login.h"

namespace keyward::exchange {

// Runs another login and says in the log for whom it was and how it ended; never what
// was granted. Its errors are for callers: see ForCallers(). Thread-safe.
class LoginLog : public client::Login {
 public:
  explicit LoginLog(std::shared_ptr<client::Login> login) : login_(std::move(login)) {}

  absl::StatusOr<client::LoginResult> Run(const client::LoginRequest& request, absl::Time deadline,
                                          client::LoginTimes* times) override;

 private:
  const std::shared_ptr<client::Login> login_;
};

}  // namespace keyward::exchange

#endif  // KEYWARD_CLIENT_EXCHANGE_LOGIN_LOG_H_
