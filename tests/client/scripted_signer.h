// A gRPC server with mutual TLS in the test's process that fails as it is told:
// for faults that a real signer does not show on demand.
#ifndef KEYWARD_TESTS_CLIENT_SCRIPTED_SIGNER_H_
#define KEYWARD_TESTS_CLIENT_SCRIPTED_SIGNER_H_

#include <grpcpp/support/status.h>
#include <keyward/v1/connections.pb.h>
#include <keyward/v1/key_versions.pb.h>
#include <keyward/v1/signer.pb.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/client/test_pki.h"

namespace keyward::testing {

// A status as keyward-signer sends it, with google.rpc.Status in its details.
grpc::Status RichStatus(grpc::StatusCode code, const std::string& reason,
                        const std::string& message,
                        std::optional<absl::Duration> retry_delay = std::nullopt);

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
  // How often `method` was called.
  int Calls(const std::string& method) const;

  // What the connections' calls answer from and change.
  void SetConnections(const std::vector<v1::Connection>& connections);
  void SetCertificate(const v1::Certificate& certificate);
  void SetKeyVersions(const std::vector<v1::KeyVersion>& versions);

  // The last request of its kind.
  v1::SignRequest sign_request() const;
  v1::UpdateConnectionRequest update_request() const;
  v1::GetCertificateRequest certificate_request() const;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_CLIENT_SCRIPTED_SIGNER_H_
