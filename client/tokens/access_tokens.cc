#include "client/tokens/access_tokens.h"

#include <optional>
#include <utility>

#include "client/tokens/token_keeper.h"
#include "client/tokens/token_lifetime.h"
#include "common/error.h"
#include "common/mutex.h"
#include "common/status_macros.h"

namespace keyward::client {

absl::StatusOr<std::unique_ptr<AccessTokens>> AccessTokens::New(AccessTokensParts parts,
                                                                const AccessTokensOptions& options,
                                                                TokenObserver* observer) {
  RETURN_IF_ERROR(CheckOptions(options));
  if (parts.scheduler == nullptr || parts.login == nullptr || parts.connections == nullptr) {
    return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID",
                 "AccessTokens needs a scheduler, a login and a connection directory");
  }
  return std::unique_ptr<AccessTokens>(
      new AccessTokens(std::make_unique<Keeper>(std::move(parts), options, observer)));
}

AccessTokens::AccessTokens(std::unique_ptr<Keeper> keeper) : keeper_(std::move(keeper)) {}

AccessTokens::~AccessTokens() = default;

AccessTokens::Token AccessTokens::Find(const TokenRequest& request) {
  return keeper_->Find(request);
}

AccessTokens::Waiter AccessTokens::Get(TokenRequest request, absl::Time deadline, Done done) {
  return keeper_->Get(std::move(request), deadline, std::move(done));
}

void AccessTokens::Cancel(const Waiter& waiter) { keeper_->Cancel(waiter); }

absl::StatusOr<AccessTokens::Token> AccessTokens::Get(TokenRequest request, absl::Time deadline) {
  // Shared with the callback, which may still hold the mutex when this thread goes on.
  struct Box {
    Mutex mutex;
    std::optional<absl::StatusOr<Token>> answer ABSL_GUARDED_BY(mutex);
  };
  const auto box = std::make_shared<Box>();
  Get(std::move(request), deadline, [box](absl::StatusOr<Token> answer) {
    MutexLock lock(&box->mutex);
    box->answer = std::move(answer);
  });
  Box& shared = *box;
  const auto answered = [&shared]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(shared.mutex) {
    return shared.answer.has_value();
  };
  MutexLock lock(&shared.mutex, answered);
  return *std::move(shared.answer);
}

void AccessTokens::ForgetRefusal(const std::string& connection, const std::string& subject) {
  keeper_->ForgetRefusal(connection, subject);
}

void AccessTokens::Drain(absl::Time deadline) { keeper_->Drain(deadline); }

AccessTokensStats AccessTokens::stats() const { return keeper_->stats(); }

}  // namespace keyward::client
