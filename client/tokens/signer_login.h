// The real login: claims, a signature by keyward-signer, a POST to the login host.
#ifndef KEYWARD_CLIENT_TOKENS_SIGNER_LOGIN_H_
#define KEYWARD_CLIENT_TOKENS_SIGNER_LOGIN_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/claims.h"
#include "client/signer_client.h"
#include "client/token_exchange.h"
#include "client/tokens/circuit_breaker.h"
#include "client/tokens/login.h"
#include "client/tokens/login_budget.h"
#include "common/mutex.h"

namespace keyward::client {

struct SignerLoginParts {
  // The signer's client of the moment, never null: a process whose certificate is
  // renewed replaces it while logins run with the former one.
  std::function<std::shared_ptr<SignerClient>()> signer;
  std::shared_ptr<TokenExchange> exchange;
  // Shared with whatever else posts to the token endpoint.
  std::shared_ptr<LoginBudget> budget;
  std::shared_ptr<CircuitBreaker> circuits;
  absl::Duration assertion_lifetime = kDefaultAssertionLifetime;
};

// Signs and posts with one audience of the connection after the other until one is
// not refused as INVALID_AUDIENCE, beginning with the one that worked last (kept in
// memory until the connection changes). After ASSERTION_EXPIRED it signs and posts
// once more. Every POST takes from the budget and asks the circuit of its host.
class SignerLogin : public Login {
 public:
  explicit SignerLogin(SignerLoginParts parts);

  // Errors, in addition to those of SignerClient::Sign() and
  // TokenExchange::Exchange():
  //   FAILED_PRECONDITION CONSUMER_KEY_MISSING, NO_AUDIENCE   the connection lacks it
  //   those of LoginBudget::Take() and CircuitBreaker::Ask()
  absl::StatusOr<LoginResult> Run(const LoginRequest& request, absl::Time deadline,
                                  LoginTimes* times) override;

 private:
  struct Preferred {
    std::string etag;
    std::string audience;
  };

  std::vector<std::string> AudiencesToTry(const v1::Connection& connection);
  void Remember(const v1::Connection& connection, const std::string& audience);
  absl::StatusOr<LoginResult> SignAndPost(const LoginRequest& request, const std::string& audience,
                                          absl::Time deadline, LoginTimes* times);

  const SignerLoginParts parts_;
  Mutex mutex_;
  // By connection; only those whose first audience is not the one that works.
  absl::flat_hash_map<std::string, Preferred> preferred_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_SIGNER_LOGIN_H_
