#include "client/signer_client.h"

#include <grpcpp/client_context.h>
#include <keyward/v1/connections.grpc.pb.h>
#include <keyward/v1/key_versions.grpc.pb.h>
#include <keyward/v1/signer.grpc.pb.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "client/channel.h"
#include "client/grpc_error.h"
#include "client/retry.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// Connections may be 8 KB each, and gRPC takes messages of at most 4 MiB.
constexpr int kPageSize = 100;

absl::Status CheckOptions(const SignerClientOptions& options) {
  if (options.timeout > absl::ZeroDuration() && options.key_timeout > absl::ZeroDuration() &&
      options.retry.max_attempts >= 1 && options.retry.initial_backoff >= absl::ZeroDuration() &&
      options.retry.max_backoff >= options.retry.initial_backoff) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID",
               "the signer client's timeouts must be longer than 0, max_attempts at least 1, and "
               "max_backoff not shorter than initial_backoff");
}

}  // namespace

class SignerClient::Impl {
 public:
  Impl(SignerClientOptions options, const std::shared_ptr<grpc::Channel>& channel)
      : options_(std::move(options)),
        signer_(v1::Signer::NewStub(channel)),
        connections_(v1::Connections::NewStub(channel)),
        key_versions_(v1::KeyVersions::NewStub(channel)) {}

  const SignerClientOptions& options() const { return options_; }
  v1::Signer::Stub& signer() { return *signer_; }
  v1::Connections::Stub& connections() { return *connections_; }
  v1::KeyVersions::Stub& key_versions() { return *key_versions_; }

  absl::Time DeadlineOf(absl::Time deadline) const {
    return std::min(deadline, absl::Now() + options_.timeout);
  }
  absl::Time KeyDeadlineOf(absl::Time deadline) const {
    return std::min(deadline, absl::Now() + options_.key_timeout);
  }

  template <typename Stub, typename Request, typename Response>
  using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);

  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> CallOnce(Stub& stub, Method<Stub, Request, Response> method,
                                    const Request& request, absl::Time deadline) const {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline));
    Response response;
    RETURN_IF_ERROR(FromGrpcStatus((stub.*method)(&context, request, &response), options_.signer));
    return response;
  }

  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> CallRepeatably(Stub& stub, Method<Stub, Request, Response> method,
                                          const Request& request, absl::Time deadline) const {
    absl::StatusOr<Response> response;
    RETURN_IF_ERROR(CallWithRetries(options_.retry, deadline, [&] {
      response = CallOnce(stub, method, request, deadline);
      return response.status();
    }));
    return response;
  }

 private:
  const SignerClientOptions options_;
  const std::unique_ptr<v1::Signer::Stub> signer_;
  const std::unique_ptr<v1::Connections::Stub> connections_;
  const std::unique_ptr<v1::KeyVersions::Stub> key_versions_;
};

absl::StatusOr<std::unique_ptr<SignerClient>> SignerClient::New(
    const SignerClientOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(const auto channel, NewChannel(options));
  return std::unique_ptr<SignerClient>(new SignerClient(std::make_unique<Impl>(options, channel)));
}

SignerClient::SignerClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SignerClient::~SignerClient() = default;

absl::StatusOr<Assertion> SignerClient::Sign(absl::string_view connection,
                                             absl::string_view claims_json,
                                             std::optional<uint32_t> key_version,
                                             absl::Time deadline) {
  v1::SignRequest request;
  request.set_connection(connection.data(), connection.size());
  request.set_claims_json(claims_json.data(), claims_json.size());
  if (key_version) request.set_key_version(*key_version);
  ASSIGN_OR_RETURN(v1::SignResponse response,
                   impl_->CallRepeatably(impl_->signer(), &v1::Signer::Stub::Sign, request,
                                         impl_->DeadlineOf(deadline)));
  Assertion assertion;
  assertion.jws = Secret(std::move(*response.mutable_jws()));
  assertion.key_version = response.key_version();
  assertion.kid = response.kid();
  assertion.expire_time = absl::FromUnixSeconds(response.expire_time().seconds());
  return assertion;
}

absl::StatusOr<v1::Connection> SignerClient::CreateConnection(const v1::Connection& connection,
                                                              absl::Time deadline) {
  v1::CreateConnectionRequest request;
  *request.mutable_connection() = connection;
  return impl_->CallOnce(impl_->connections(), &v1::Connections::Stub::CreateConnection, request,
                         impl_->KeyDeadlineOf(deadline));
}

absl::StatusOr<v1::Connection> SignerClient::GetConnection(absl::string_view name,
                                                           absl::Time deadline) {
  v1::GetConnectionRequest request;
  request.set_name(name.data(), name.size());
  return impl_->CallRepeatably(impl_->connections(), &v1::Connections::Stub::GetConnection, request,
                               impl_->DeadlineOf(deadline));
}

absl::StatusOr<std::vector<v1::Connection>> SignerClient::ListConnections(absl::Time deadline) {
  const absl::Time end = impl_->DeadlineOf(deadline);
  std::vector<v1::Connection> all;
  v1::ListConnectionsRequest request;
  request.set_page_size(kPageSize);
  do {
    ASSIGN_OR_RETURN(v1::ListConnectionsResponse page,
                     impl_->CallRepeatably(impl_->connections(),
                                           &v1::Connections::Stub::ListConnections, request, end));
    for (v1::Connection& connection : *page.mutable_connections()) {
      all.push_back(std::move(connection));
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

absl::StatusOr<v1::Connection> SignerClient::UpdateConnection(
    const v1::Connection& connection, const std::vector<std::string>& fields, absl::Time deadline) {
  v1::UpdateConnectionRequest request;
  *request.mutable_connection() = connection;
  for (const std::string& field : fields) request.mutable_update_mask()->add_paths(field);
  request.set_etag(connection.etag());
  return impl_->CallOnce(impl_->connections(), &v1::Connections::Stub::UpdateConnection, request,
                         impl_->DeadlineOf(deadline));
}

absl::StatusOr<uint32_t> SignerClient::DeleteConnection(absl::string_view name,
                                                        absl::string_view etag,
                                                        absl::Time deadline) {
  v1::DeleteConnectionRequest request;
  request.set_name(name.data(), name.size());
  request.set_etag(etag.data(), etag.size());
  ASSIGN_OR_RETURN(const v1::DeleteConnectionResponse response,
                   impl_->CallOnce(impl_->connections(), &v1::Connections::Stub::DeleteConnection,
                                   request, impl_->KeyDeadlineOf(deadline)));
  return response.destroyed_key_versions();
}

absl::StatusOr<v1::Certificate> SignerClient::GetCertificate(absl::string_view connection,
                                                             std::optional<uint32_t> key_version,
                                                             absl::Time deadline) {
  v1::GetCertificateRequest request;
  request.set_connection(connection.data(), connection.size());
  if (key_version) request.set_key_version(*key_version);
  return impl_->CallRepeatably(impl_->connections(), &v1::Connections::Stub::GetCertificate,
                               request, impl_->DeadlineOf(deadline));
}

absl::StatusOr<std::vector<v1::KeyVersion>> SignerClient::ListKeyVersions(
    absl::string_view connection, absl::Time deadline) {
  v1::ListKeyVersionsRequest request;
  request.set_connection(connection.data(), connection.size());
  ASSIGN_OR_RETURN(
      const v1::ListKeyVersionsResponse response,
      impl_->CallRepeatably(impl_->key_versions(), &v1::KeyVersions::Stub::ListKeyVersions, request,
                            impl_->DeadlineOf(deadline)));
  return std::vector<v1::KeyVersion>(response.key_versions().begin(),
                                     response.key_versions().end());
}

absl::StatusOr<std::string> SignerClient::GetJwks(absl::string_view connection,
                                                  absl::Time deadline) {
  v1::GetJwksRequest request;
  request.set_connection(connection.data(), connection.size());
  ASSIGN_OR_RETURN(v1::GetJwksResponse response,
                   impl_->CallRepeatably(impl_->key_versions(), &v1::KeyVersions::Stub::GetJwks,
                                         request, impl_->DeadlineOf(deadline)));
  return std::move(*response.mutable_jwks_json());
}

absl::StatusOr<v1::KeyVersionDetails> SignerClient::InspectKeyVersion(
    absl::string_view connection, std::optional<uint32_t> key_version, absl::Time deadline) {
  v1::InspectKeyVersionRequest request;
  request.set_connection(connection.data(), connection.size());
  if (key_version) request.set_key_version(*key_version);
  return impl_->CallRepeatably(impl_->key_versions(), &v1::KeyVersions::Stub::InspectKeyVersion,
                               request, impl_->DeadlineOf(deadline));
}

absl::StatusOr<v1::CreateCertificateRequestResponse> SignerClient::CreateCertificateRequest(
    const v1::CreateCertificateRequestRequest& request, absl::Time deadline) {
  return impl_->CallRepeatably(impl_->key_versions(),
                               &v1::KeyVersions::Stub::CreateCertificateRequest, request,
                               impl_->KeyDeadlineOf(deadline));
}

absl::StatusOr<v1::Certificate> SignerClient::ImportCertificate(
    absl::string_view connection, uint32_t key_version, absl::string_view der,
    const std::vector<std::string>& chain_der, absl::Time deadline) {
  v1::ImportCertificateRequest request;
  request.set_connection(connection.data(), connection.size());
  request.set_key_version(key_version);
  request.set_der(der.data(), der.size());
  for (const std::string& above : chain_der) request.add_chain_der(above);
  return impl_->CallOnce(impl_->key_versions(), &v1::KeyVersions::Stub::ImportCertificate, request,
                         impl_->KeyDeadlineOf(deadline));
}

absl::StatusOr<v1::Certificate> SignerClient::RenewCertificate(absl::string_view connection,
                                                               std::optional<uint32_t> key_version,
                                                               uint32_t validity_days,
                                                               absl::Time deadline) {
  v1::RenewCertificateRequest request;
  request.set_connection(connection.data(), connection.size());
  if (key_version) request.set_key_version(*key_version);
  request.set_validity_days(validity_days);
  return impl_->CallOnce(impl_->key_versions(), &v1::KeyVersions::Stub::RenewCertificate, request,
                         impl_->KeyDeadlineOf(deadline));
}

absl::StatusOr<v1::KeyVersion> SignerClient::AdoptKey(absl::string_view connection,
                                                      absl::string_view uri, absl::Time deadline) {
  v1::AdoptKeyRequest request;
  request.set_connection(connection.data(), connection.size());
  request.set_uri(uri.data(), uri.size());
  return impl_->CallOnce(impl_->key_versions(), &v1::KeyVersions::Stub::AdoptKey, request,
                         impl_->KeyDeadlineOf(deadline));
}

}  // namespace keyward::client
