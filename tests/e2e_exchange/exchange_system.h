// All of Keyward for a test: signer, exchange and the stand-in for Salesforce, each a
// real process, with a PKI of its own.
#ifndef KEYWARD_TESTS_E2E_EXCHANGE_EXCHANGE_SYSTEM_H_
#define KEYWARD_TESTS_E2E_EXCHANGE_EXCHANGE_SYSTEM_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/exchange_client.h"
#include "tests/standin/testing/standin_process.h"
#include "tests/testing/signer_process.h"

namespace keyward::e2e {

inline constexpr char kUser[] = "user@example.com";

// Far more than any wait should take, for machines that do other work too.
inline constexpr absl::Duration kPatience = absl::Seconds(60);

class ExchangeSystem {
 public:
  // Writes policy.yaml and exchange.yaml beside signer.yaml; starts the signer and the
  // stand-in, and makes the connection "acme" and its app. Aborts the test where that
  // fails.
  explicit ExchangeSystem(const std::vector<std::string>& standin_flags = {});

  // exchange.yaml as the constructor wrote it, for a test to change.
  std::string DefaultConfig() const;
  void WriteConfig(absl::string_view text) const { signer_.Write("exchange.yaml", text); }

  // Starts keyward-exchange and waits until it serves. Returns whether it does.
  bool Start();
  // SIGTERM, and its exit code.
  int Stop();
  // Runs `keyward-exchange --config exchange.yaml ARGUMENTS` to its end.
  testing::Finished RunToEnd(const std::vector<std::string>& arguments = {}) const;

  // Makes a connection whose app lets `users` in, and its certificate known to the app.
  // Returns the consumer key.
  std::string AddConnection(const std::string& name,
                            const std::vector<std::string>& users = {kUser}) const;

  // A client as "backend", "operator" or a certificate that the test made.
  std::unique_ptr<client::ExchangeClient> Client(const std::string& name = "backend") const;
  // A channel with the same credentials, for what ExchangeClient does not do.
  std::shared_ptr<grpc::Channel> Channel(const std::string& name = "backend") const;

  // Logins that Salesforce granted, and all that it was asked for.
  int Logins() const;
  int LoginAttempts() const;

  const std::string& address() const { return address_; }
  testing::Daemon& daemon() { return *daemon_; }
  testing::SignerProcess& signer() { return signer_; }
  const testing::SignerProcess& signer() const { return signer_; }
  testing::StandinProcess& standin() const { return *standin_; }
  const std::string& consumer_key() const { return consumer_key_; }

 private:
  testing::SignerProcess signer_;
  std::unique_ptr<testing::StandinProcess> standin_;
  std::unique_ptr<testing::Daemon> daemon_;
  std::string consumer_key_;
  std::string address_;
};

}  // namespace keyward::e2e

#endif  // KEYWARD_TESTS_E2E_EXCHANGE_EXCHANGE_SYSTEM_H_
