// The mutual-TLS channel to the signer. Internal to the client library.
#ifndef KEYWARD_CLIENT_CHANNEL_H_
#define KEYWARD_CLIENT_CHANNEL_H_

#include <grpcpp/channel.h>

#include <memory>

#include "absl/status/statusor.h"
#include "client/signer_client.h"

namespace keyward::client {

// Checks the address and the three files first: gRPC itself takes what is not
// PEM, or a key of another certificate, and then fails every call without
// saying why. Errors as of SignerClient::New().
absl::StatusOr<std::shared_ptr<grpc::Channel>> NewChannel(const SignerClientOptions& options);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_CHANNEL_H_
