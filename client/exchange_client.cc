#include "client/exchange_client.h"

#include <keyward/v1/exchange.grpc.pb.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "client/calls.h"
#include "client/channel.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

absl::Status Invalid(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID", message);
}

bool IsSocket(absl::string_view address) { return absl::StartsWith(address, "unix:"); }

absl::Status CheckOptions(const ExchangeClientOptions& options) {
  if (!IsSocket(options.exchange)) {
    RETURN_IF_ERROR(CheckAddress(options.exchange, "exchange", "127.0.0.1:7444, or unix:/PATH"));
  } else if (!absl::StartsWith(options.exchange, "unix:/")) {
    return Invalid("the socket of keyward-exchange must be unix: and an absolute path");
  }
  if (options.timeout <= absl::ZeroDuration() || options.test_timeout <= absl::ZeroDuration()) {
    return Invalid("the exchange client's timeouts must be longer than 0");
  }
  RETURN_IF_ERROR(CheckKeepalive(options.keepalive));
  return CheckRetryPolicy(options.retry);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(
    const ExchangeClientOptions& options) {
  // Who may connect to the socket is the file system's business.
  if (IsSocket(options.exchange)) return grpc::InsecureChannelCredentials();
  return MutualTls({options.ca_file, options.certificate_file, options.private_key_file},
                   "exchange");
}

ExchangedToken ToToken(v1::ExchangeResponse response) {
  ExchangedToken token;
  token.granted.token = Secret(std::move(*response.mutable_access_token()));
  token.granted.instance_url = response.instance_url();
  token.granted.id = response.id();
  token.granted.scope = response.scope();
  token.expire_time = absl::FromUnixSeconds(response.expire_time().seconds()) +
                      absl::Nanoseconds(response.expire_time().nanos());
  return token;
}

}  // namespace

class ExchangeClient::Impl : public Calls<v1::Exchange> {
 public:
  Impl(const ExchangeClientOptions& options, std::vector<Channels::Entry> channels)
      : Calls(Service::kExchange, std::move(channels), options.retry),
        timeout(options.timeout),
        test_timeout(options.test_timeout) {}

  const absl::Duration timeout;
  const absl::Duration test_timeout;
};

absl::StatusOr<std::unique_ptr<ExchangeClient>> ExchangeClient::New(
    const ExchangeClientOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(const auto credentials, Credentials(options));
  std::vector<Channels::Entry> channels;
  channels.push_back({options.exchange, NewChannel(options.exchange, credentials,
                                                   {.keepalive = options.keepalive,
                                                    .health_service = std::string()})});
  return std::unique_ptr<ExchangeClient>(
      new ExchangeClient(std::make_unique<Impl>(options, std::move(channels))));
}

ExchangeClient::ExchangeClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ExchangeClient::~ExchangeClient() = default;

absl::StatusOr<ExchangedToken> ExchangeClient::Exchange(absl::string_view connection,
                                                        const ExchangeOptions& options) {
  v1::ExchangeRequest request;
  const absl::Cleanup wipe = [&] { WipeString(*request.mutable_rejected_access_token()); };
  request.set_connection(connection.data(), connection.size());
  request.set_subject(options.subject);
  const absl::string_view rejected = options.rejected.Expose();
  request.set_rejected_access_token(rejected.data(), rejected.size());
  ASSIGN_OR_RETURN(v1::ExchangeResponse response,
                   impl_->Repeatably(&v1::Exchange::Stub::Exchange, request,
                                     std::min(options.deadline, absl::Now() + impl_->timeout),
                                     options.traceparent));
  return ToToken(std::move(response));
}

absl::StatusOr<v1::TestConnectionResponse> ExchangeClient::TestConnection(
    absl::string_view connection, const TestConnectionOptions& options) {
  v1::TestConnectionRequest request;
  request.set_connection(connection.data(), connection.size());
  request.set_subject(options.subject);
  if (options.key_version) request.set_key_version(*options.key_version);
  return impl_->Once(&v1::Exchange::Stub::TestConnection, request,
                     std::min(options.deadline, absl::Now() + impl_->test_timeout),
                     options.traceparent);
}

}  // namespace keyward::client
