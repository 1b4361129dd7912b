// Second step of the signing path: who calls, by a certificate that is good at this moment.
#ifndef KEYWARD_SIGNER_CALLERS_H_
#define KEYWARD_SIGNER_CALLERS_H_

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/server/client_verifier.h"
#include "signer/caller_identity.h"

namespace grpc {
class AuthContext;
class ServerContextBase;
}  // namespace grpc

namespace keyward::signer {

struct CallersOptions {
  // ReloadingTlsCredentials::client_verifiers(), which outlives the Callers; null for a daemon
  // without TLS.
  const server::ClientVerifiers* verifiers = nullptr;
  IdentityKinds kinds;
  // Who calls over a Unix socket (grpc::experimental::LocalServerCredentials(UDS)), as
  // CallerIdentity() writes it; empty where there is none.
  std::string socket_identity;
};

// Every call asks; what ClientVerifier says of a certificate is kept until its end or the next set
// of TLS files. So a client that is revoked, that has expired or whose authority is gone is refused
// at its next call, on connections that exist too.
//
// Thread-safe.
class Callers {
 public:
  explicit Callers(CallersOptions options);
  ~Callers();
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  // CallerIdentity() of the certificate of the connection that `context` belongs to.
  //
  // Errors, all UNAUTHENTICATED:
  //   CLIENT_CERTIFICATE_MISSING  no TLS, or no client certificate
  //   CLIENT_IDENTITY_INVALID     as CallerIdentity()
  //   and those of ClientVerifier::Verify().
  absl::StatusOr<std::string> IdentityOf(const grpc::AuthContext& context) const;

  // The same for a daemon that also listens on a Unix socket. A connection over that has no
  // certificate: whoever may open the socket is `socket_identity`. A connection over TCP never
  // counts as the socket, not from this machine either.
  absl::StatusOr<std::string> IdentityOf(const grpc::ServerContextBase& context) const;

  // The identity in the certificate whether or not it is good now, or "": for the record of a call
  // that IdentityOf() refused. Nothing may be allowed because of it.
  std::string NameOf(const grpc::AuthContext& context) const;

  // How many certificates the answer is kept of; a few thousand at most.
  size_t kept() const;

 private:
  struct Verdict {
    absl::StatusOr<std::string> identity;
    absl::Time until;
    int64_t generation = 0;
  };
  // Leaf and chain as the transport gives them.
  using Shown = std::pair<std::string, std::string>;
  using ShownView = std::pair<absl::string_view, absl::string_view>;
  struct ShownHash;
  struct ShownEqual;
  struct Shard;

  static constexpr size_t kShards = 16;

  Shard& ShardOf(const ShownView& shown) const;
  Verdict Judge(const grpc::AuthContext& context, const ShownView& shown, absl::Time now) const;

  const CallersOptions options_;
  const std::unique_ptr<std::array<Shard, kShards>> shards_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_CALLERS_H_
