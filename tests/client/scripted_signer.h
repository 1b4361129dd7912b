// A gRPC server with mutual TLS in the test's process that fails as it is told:
// for faults that a real signer does not show on demand.
#ifndef KEYWARD_TESTS_CLIENT_SCRIPTED_SIGNER_H_
#define KEYWARD_TESTS_CLIENT_SCRIPTED_SIGNER_H_

#include <grpcpp/support/status.h>
#include <keyward/v1/connections.pb.h>
#include <keyward/v1/key_versions.pb.h>
#include <keyward/v1/signer.pb.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/client/rich_status.h"
#include "tests/client/test_pki.h"

namespace keyward::testing {

class ScriptedSigner {
 public:
  // Listens on 127.0.0.1:`port`, 0 for a free one. Clients need a certificate by
  // `client_ca`.
  ScriptedSigner(const CertificateFiles& files, const std::string& client_ca, int port = 0);
  ~ScriptedSigner();
  ScriptedSigner(const ScriptedSigner&) = delete;
  ScriptedSigner& operator=(const ScriptedSigner&) = delete;

  std::string address() const;

  // The next `times` calls of `method` ("Sign") fail with `status`.
  void FailNext(const std::string& method, const grpc::Status& status, int times = 1);
  // All calls of `method` wait until their callers give up.
  void Hang(const std::string& method);
  // What its health service says of "keyward.v1.Signer"; serving at first.
  void SetServing(bool serving);
  // How often `method` was called.
  int Calls(const std::string& method) const;

  // What the connections' calls answer from and change.
  void SetConnections(const std::vector<v1::Connection>& connections);
  void SetCertificate(const v1::Certificate& certificate);
  void SetKeyVersions(const std::vector<v1::KeyVersion>& versions);

  // The last request of its kind.
  v1::SignRequest sign_request() const;
  // What came along with it: the call's deadline, and traceparent, empty for none.
  absl::Time sign_deadline() const;
  std::string sign_traceparent() const;
  v1::UpdateConnectionRequest update_request() const;
  v1::GetCertificateRequest certificate_request() const;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_CLIENT_SCRIPTED_SIGNER_H_
