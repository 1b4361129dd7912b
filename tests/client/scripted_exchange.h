// keyward-exchange's service in the test's process, which answers as it is told.
#ifndef KEYWARD_TESTS_CLIENT_SCRIPTED_EXCHANGE_H_
#define KEYWARD_TESTS_CLIENT_SCRIPTED_EXCHANGE_H_

#include <grpcpp/support/status.h>
#include <keyward/v1/exchange.pb.h>

#include <memory>
#include <string>

#include "tests/client/rich_status.h"
#include "tests/client/test_pki.h"

namespace keyward::testing {

class ScriptedExchange {
 public:
  // On a free port of 127.0.0.1, for clients with a certificate by `client_ca`.
  ScriptedExchange(const CertificateFiles& files, const std::string& client_ca);
  // On a Unix socket that it makes, without TLS.
  explicit ScriptedExchange(const std::string& socket_path);
  ~ScriptedExchange();
  ScriptedExchange(const ScriptedExchange&) = delete;
  ScriptedExchange& operator=(const ScriptedExchange&) = delete;

  // "127.0.0.1:PORT" or "unix:PATH".
  const std::string& address() const;

  // The next `times` calls fail with `status`.
  void FailNext(const grpc::Status& status, int times = 1);
  // All calls wait until their callers give up.
  void Hang();
  int calls() const;

  void SetResponse(const v1::ExchangeResponse& response);
  void SetResponse(const v1::TestConnectionResponse& response);

  // The last request of its kind.
  v1::ExchangeRequest exchange_request() const;
  v1::TestConnectionRequest test_request() const;
  // The last call's, empty for none.
  std::string traceparent() const;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_CLIENT_SCRIPTED_EXCHANGE_H_
