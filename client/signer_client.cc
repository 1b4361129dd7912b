#include "client/signer_client.h"

#include <utility>

#include "client/channel.h"
#include "client/signer_client_impl.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// Connections may be 8 KB each, and gRPC takes messages of at most 4 MiB.
constexpr int kPageSize = 100;

absl::Status Invalid(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID", message);
}

absl::Status CheckOptions(const SignerClientOptions& options) {
  if (options.signers.empty()) {
    return Invalid("the signer client needs the address of at least one signer");
  }
  for (const std::string& address : options.signers) {
    RETURN_IF_ERROR(CheckAddress(address, "signer", "127.0.0.1:7443"));
  }
  if (options.timeout <= absl::ZeroDuration() || options.key_timeout <= absl::ZeroDuration()) {
    return Invalid("the signer client's timeouts must be longer than 0");
  }
  RETURN_IF_ERROR(CheckKeepalive(options.keepalive));
  return CheckRetryPolicy(options.retry);
}

}  // namespace

absl::StatusOr<std::unique_ptr<SignerClient>> SignerClient::New(
    const SignerClientOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(
      const auto tls,
      MutualTls({options.ca_file, options.certificate_file, options.private_key_file}, "signer"));
  const ChannelOptions channel_options{
      .keepalive = options.keepalive,
      .health_service = options.watch_health ? v1::Signer::service_full_name() : ""};
  std::vector<Channels::Entry> channels;
  for (const std::string& address : options.signers) {
    channels.push_back({address, NewChannel(address, tls, channel_options)});
  }
  return std::unique_ptr<SignerClient>(
      new SignerClient(std::make_unique<Impl>(options, std::move(channels))));
}

SignerClient::SignerClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SignerClient::~SignerClient() = default;

absl::StatusOr<Assertion> SignerClient::Sign(absl::string_view connection,
                                             absl::string_view claims_json,
                                             const SignOptions& options) {
  v1::SignRequest request;
  request.set_connection(connection.data(), connection.size());
  request.set_claims_json(claims_json.data(), claims_json.size());
  if (options.key_version) request.set_key_version(*options.key_version);
  request.set_on_behalf_of(options.on_behalf_of);
  ASSIGN_OR_RETURN(v1::SignResponse response,
                   impl_->Repeatably(&v1::Signer::Stub::Sign, request,
                                     impl_->DeadlineOf(options.deadline), options.traceparent));
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
  return impl_->Once(&v1::Connections::Stub::CreateConnection, request,
                     impl_->KeyDeadlineOf(deadline));
}

absl::StatusOr<v1::Connection> SignerClient::GetConnection(absl::string_view name,
                                                           absl::Time deadline) {
  v1::GetConnectionRequest request;
  request.set_name(name.data(), name.size());
  return impl_->Repeatably(&v1::Connections::Stub::GetConnection, request,
                           impl_->DeadlineOf(deadline));
}

absl::StatusOr<std::vector<v1::Connection>> SignerClient::ListConnections(absl::Time deadline) {
  const absl::Time end = impl_->DeadlineOf(deadline);
  std::vector<v1::Connection> all;
  v1::ListConnectionsRequest request;
  request.set_page_size(kPageSize);
  do {
    ASSIGN_OR_RETURN(v1::ListConnectionsResponse page,
                     impl_->Repeatably(&v1::Connections::Stub::ListConnections, request, end));
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
  return impl_->Once(&v1::Connections::Stub::UpdateConnection, request,
                     impl_->DeadlineOf(deadline));
}

absl::StatusOr<v1::Connection> SignerClient::PreferAudience(absl::string_view name,
                                                            absl::string_view audience,
                                                            const CallOptions& options) {
  v1::PreferAudienceRequest request;
  request.set_name(name.data(), name.size());
  request.set_audience(audience.data(), audience.size());
  request.set_on_behalf_of(options.on_behalf_of);
  return impl_->Repeatably(&v1::Connections::Stub::PreferAudience, request,
                           impl_->DeadlineOf(options.deadline), options.traceparent);
}

absl::StatusOr<uint32_t> SignerClient::DeleteConnection(absl::string_view name,
                                                        absl::string_view etag,
                                                        absl::Time deadline) {
  v1::DeleteConnectionRequest request;
  request.set_name(name.data(), name.size());
  request.set_etag(etag.data(), etag.size());
  ASSIGN_OR_RETURN(const v1::DeleteConnectionResponse response,
                   impl_->Once(&v1::Connections::Stub::DeleteConnection, request,
                               impl_->KeyDeadlineOf(deadline)));
  return response.destroyed_key_versions();
}

absl::StatusOr<v1::Certificate> SignerClient::GetCertificate(absl::string_view connection,
                                                             std::optional<uint32_t> key_version,
                                                             absl::Time deadline) {
  v1::GetCertificateRequest request;
  request.set_connection(connection.data(), connection.size());
  if (key_version) request.set_key_version(*key_version);
  return impl_->Repeatably(&v1::Connections::Stub::GetCertificate, request,
                           impl_->DeadlineOf(deadline));
}

absl::StatusOr<std::vector<v1::KeyVersion>> SignerClient::ListKeyVersions(
    absl::string_view connection, absl::Time deadline) {
  v1::ListKeyVersionsRequest request;
  request.set_connection(connection.data(), connection.size());
  ASSIGN_OR_RETURN(const v1::ListKeyVersionsResponse response,
                   impl_->Repeatably(&v1::KeyVersions::Stub::ListKeyVersions, request,
                                     impl_->DeadlineOf(deadline)));
  return std::vector<v1::KeyVersion>(response.key_versions().begin(),
                                     response.key_versions().end());
}

absl::StatusOr<std::string> SignerClient::GetJwks(absl::string_view connection,
                                                  absl::Time deadline) {
  v1::GetJwksRequest request;
  request.set_connection(connection.data(), connection.size());
  ASSIGN_OR_RETURN(
      v1::GetJwksResponse response,
      impl_->Repeatably(&v1::KeyVersions::Stub::GetJwks, request, impl_->DeadlineOf(deadline)));
  return std::move(*response.mutable_jwks_json());
}

absl::StatusOr<v1::KeyVersionDetails> SignerClient::InspectKeyVersion(
    absl::string_view connection, std::optional<uint32_t> key_version, const CallOptions& options) {
  v1::InspectKeyVersionRequest request;
  request.set_connection(connection.data(), connection.size());
  if (key_version) request.set_key_version(*key_version);
  request.set_on_behalf_of(options.on_behalf_of);
  return impl_->Repeatably(&v1::KeyVersions::Stub::InspectKeyVersion, request,
                           impl_->DeadlineOf(options.deadline), options.traceparent);
}

absl::StatusOr<v1::CreateCertificateRequestResponse> SignerClient::CreateCertificateRequest(
    const v1::CreateCertificateRequestRequest& request, absl::Time deadline) {
  return impl_->Repeatably(&v1::KeyVersions::Stub::CreateCertificateRequest, request,
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
  return impl_->Once(&v1::KeyVersions::Stub::ImportCertificate, request,
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
  return impl_->Once(&v1::KeyVersions::Stub::RenewCertificate, request,
                     impl_->KeyDeadlineOf(deadline));
}

absl::StatusOr<v1::KeyVersion> SignerClient::AdoptKey(absl::string_view connection,
                                                      absl::string_view uri, absl::Time deadline) {
  v1::AdoptKeyRequest request;
  request.set_connection(connection.data(), connection.size());
  request.set_uri(uri.data(), uri.size());
  return impl_->Once(&v1::KeyVersions::Stub::AdoptKey, request, impl_->KeyDeadlineOf(deadline));
}

}  // namespace keyward::client
