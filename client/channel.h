// gRPC channels to our services. Internal to the client library.
#ifndef KEYWARD_CLIENT_CHANNEL_H_
#define KEYWARD_CLIENT_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace keyward::client {

// Paths of the PEM files of SignerClientOptions.
struct TlsFiles {
  std::string ca;
  std::string certificate;
  std::string private_key;
};

// Reads and checks the three files first: gRPC itself takes what is not PEM, or a key
// of another certificate, and then fails every call without saying why. Errors as of
// SignerClient::New(). `service` is whose CA it is, for the messages: "signer".
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MutualTls(const TlsFiles& files,
                                                                    absl::string_view service);

// INVALID_ARGUMENT OPTIONS_INVALID where `address` is not host:port. Otherwise gRPC
// would read "unix:/path" and the like as other ways to connect. `service` and
// `example` are for the message: "signer", "127.0.0.1:7443".
absl::Status CheckAddress(absl::string_view address, absl::string_view service,
                          absl::string_view example);

// INVALID_ARGUMENT OPTIONS_INVALID where pings would come more often than a service of
// ours permits (20 s), or hardly ever (1 h).
absl::Status CheckKeepalive(absl::Duration keepalive);

struct ChannelOptions {
  absl::Duration keepalive;
  // Name of the service whose health is watched (grpc.health.v1); empty for none.
  std::string health_service;
};

// A channel to `target`, a host:port or unix:/PATH. All addresses that its name
// resolves to are connected to, and used in turn.
std::shared_ptr<grpc::Channel> NewChannel(
    const std::string& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
    const ChannelOptions& options);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_CHANNEL_H_
