// Access tokens from keyward-exchange, through the stubs generated from its proto files.
#ifndef ACCESS_TOKENS_H_
#define ACCESS_TOKENS_H_

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "keyward/v1/exchange.grpc.pb.h"

// what() says what to change, and is safe to log.
struct KeywardError : std::runtime_error {
  KeywardError(const std::string& reason, const std::string& sentence,
               std::optional<std::chrono::milliseconds> retry_delay)
      : std::runtime_error(reason + ": " + sentence), reason(reason), retry_delay(retry_delay) {}

  // For programs; docs/errors.md lists all.
  std::string reason;
  // How long to wait before another try can help; nullopt where none does.
  std::optional<std::chrono::milliseconds> retry_delay;
};

// Thread-safe.
class AccessTokens {
 public:
  struct Options {
    std::string exchange;  // host:port
    // PEM files: the CA of the server's certificate, and who we are.
    std::string ca_file;
    std::string certificate_file;
    std::string private_key_file;
    // How long a call waits, its repetitions included.
    std::chrono::seconds patience{30};
  };

  // Throws std::runtime_error where a file cannot be read.
  explicit AccessTokens(const Options& options);

  // The access token of a connection, for whoever calls often: the daemon keeps tokens,
  // so that this is a short call. `rejected` is a token that an API refused with 401
  // INVALID_SESSION_ID. Where the daemon says that waiting helps, this waits and asks
  // again. Throws KeywardError.
  keyward::v1::ExchangeResponse Get(const std::string& connection,
                                    const std::string& rejected = "") const;

 private:
  std::unique_ptr<keyward::v1::Exchange::Stub> stub_;
  std::chrono::seconds patience_;
};

#endif  // ACCESS_TOKENS_H_
