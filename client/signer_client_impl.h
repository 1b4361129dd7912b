// The stubs and deadlines behind a SignerClient. Internal to the client library.
#ifndef KEYWARD_CLIENT_SIGNER_CLIENT_IMPL_H_
#define KEYWARD_CLIENT_SIGNER_CLIENT_IMPL_H_

#include <keyward/v1/approvals.grpc.pb.h>
#include <keyward/v1/connections.grpc.pb.h>
#include <keyward/v1/key_versions.grpc.pb.h>
#include <keyward/v1/policy.grpc.pb.h>
#include <keyward/v1/signer.grpc.pb.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/calls.h"
#include "client/signer_client.h"

namespace keyward::client {

// Checks `options` and makes the channels that they ask for. Errors: SignerClient::New()'s.
absl::StatusOr<std::vector<Channels::Entry>> SignerChannels(const SignerClientOptions& options);

class SignerClient::Impl
    : public Calls<v1::Signer, v1::Connections, v1::KeyVersions, v1::Approvals, v1::Policy> {
 public:
  Impl(const SignerClientOptions& options, std::vector<Channels::Entry> channels)
      : Calls(Service::kSigner, std::move(channels), options.retry),
        timeout_(options.timeout),
        key_timeout_(options.key_timeout) {}

  absl::Time DeadlineOf(absl::Time deadline) const {
    return std::min(deadline, absl::Now() + timeout_);
  }
  absl::Time KeyDeadlineOf(absl::Time deadline) const {
    return std::min(deadline, absl::Now() + key_timeout_);
  }

 private:
  const absl::Duration timeout_;
  const absl::Duration key_timeout_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_SIGNER_CLIENT_IMPL_H_
