// Asking the signer for connections, and telling the operator when it does not answer.
#ifndef KEYWARD_CLIENT_EXCHANGE_SIGNER_LOOKUPS_H_
#define KEYWARD_CLIENT_EXCHANGE_SIGNER_LOOKUPS_H_

#include <keyward/v1/connections.pb.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/signer_client.h"

namespace keyward::exchange {

// Before a login there is a question for the connection. While the signer is away no
// login begins, so that nothing else would tell. Thread-safe.
class SignerLookups {
 public:
  // `signer` gives the client of the moment.
  explicit SignerLookups(std::function<std::shared_ptr<client::SignerClient>()> signer)
      : signer_(std::move(signer)) {}

  // As SignerClient::GetConnection(), with the errors that callers may see (ForCallers()). The log
  // says when the signer stops answering or refuses us, once, and when it answers again.
  absl::StatusOr<v1::Connection> Get(const std::string& connection, absl::Time deadline);

  // Whether it answered the last question; true before the first.
  bool answers() const { return answers_; }

 private:
  const std::function<std::shared_ptr<client::SignerClient>()> signer_;
  std::atomic<bool> answers_ = true;
};

}  // namespace keyward::exchange

#endif  // KEYWARD_CLIENT_EXCHANGE_SIGNER_LOOKUPS_H_
