// Calls to keyward-exchange: over mutual TLS, or over a Unix socket of this machine.
#ifndef KEYWARD_CLIENT_EXCHANGE_CLIENT_H_
#define KEYWARD_CLIENT_EXCHANGE_CLIENT_H_

#include <keyward/v1/exchange.pb.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/retry_policy.h"
#include "client/token_exchange.h"
#include "common/secret.h"

namespace keyward::client {

struct ExchangeClientOptions {
  // host:port of keyward-exchange, an IPv6 address in brackets; or unix:/PATH, its
  // socket, which needs none of the three files.
  std::string exchange;
  // PEM file: the CA of its server certificate.
  std::string ca_file;
  // PEM file: our client certificate, followed by intermediate ones.
  std::string certificate_file;
  // PEM file: the private key of the client certificate, not encrypted.
  std::string private_key_file;
  // For each exchange, repeats included.
  absl::Duration timeout = absl::Seconds(30);
  // In place of `timeout` for TestConnection, which tries several steps.
  absl::Duration test_timeout = absl::Seconds(120);
  RetryPolicy retry;
  // As of SignerClientOptions.
  absl::Duration keepalive = absl::Seconds(60);
};

struct ExchangeOptions {
  // One of the connection's subjects; empty where it has exactly one.
  std::string subject;
  // A token that this service gave and an API refused with 401; empty for none.
  Secret rejected;
  // As of SignOptions.
  std::string traceparent;
  absl::Time deadline = absl::InfiniteFuture();
};

struct TestConnectionOptions {
  // One of the connection's subjects; empty where it has exactly one.
  std::string subject;
  // Without it the ACTIVE version.
  std::optional<uint32_t> key_version;
  std::string traceparent;
  absl::Time deadline = absl::InfiniteFuture();
};

struct ExchangedToken {
  AccessToken granted;
  // Until then a repeated call may get the same token.
  absl::Time expire_time;
};

// One client serves a whole process; it is safe to use from many threads. It connects
// when it is first used, and again by itself when the connection breaks. Every call
// blocks, at most until the earlier of its deadline and the timeout of the options.
//
// Exchange is repeated after UNAVAILABLE, and after RESOURCE_EXHAUSTED where the service
// says how long to wait, as the RetryPolicy has it. TestConnection is sent once.
//
// Errors of all calls have a reason (common/error.h): the service's own, which
// proto/keyward/v1/exchange.proto and docs/errors.md list, or
//   UNAVAILABLE EXCHANGE_UNREACHABLE       no connection, or TLS failed
//   DEADLINE_EXCEEDED DEADLINE_EXCEEDED    no answer in time
//   UNIMPLEMENTED NOT_AN_EXCHANGE          something else listens there
//   EXCHANGE_FAILED with any other code    the connection failed otherwise
// Where Salesforce refused, SalesforceErrorOf() has its own words. No error holds a
// token.
class ExchangeClient {
 public:
  // Errors as of SignerClient::New().
  static absl::StatusOr<std::unique_ptr<ExchangeClient>> New(const ExchangeClientOptions& options);
  ~ExchangeClient();
  ExchangeClient(const ExchangeClient&) = delete;
  ExchangeClient& operator=(const ExchangeClient&) = delete;

  // An access token for `connection`.
  absl::StatusOr<ExchangedToken> Exchange(absl::string_view connection,
                                          const ExchangeOptions& options = {});
  // Tries every step and says which one fails. A connection that does not work is a
  // result, not an error.
  absl::StatusOr<v1::TestConnectionResponse> TestConnection(
      absl::string_view connection, const TestConnectionOptions& options = {});

 private:
  class Impl;
  explicit ExchangeClient(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_EXCHANGE_CLIENT_H_
