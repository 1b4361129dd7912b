// Whether the certificate that a client has shown may be trusted now. TLS looks at it once, in the
// handshake, and knows of no revocation; a connection may last for weeks.
#ifndef KEYWARD_COMMON_SERVER_CLIENT_VERIFIER_H_
#define KEYWARD_COMMON_SERVER_CLIENT_VERIFIER_H_

#include <openssl/x509.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/openssl.h"
#include "common/server/client_crls.h"
#include "common/server/tls_files.h"

namespace keyward::server {

// The authorities and revocation lists of one set of TLS files. Immutable; thread-safe.
class ClientVerifier {
 public:
  // `generation` counts the sets that a daemon has taken up. Errors: INTERNAL, for `set` has passed
  // ReadTlsFiles().
  static absl::StatusOr<std::shared_ptr<const ClientVerifier>> New(const TlsSet& set,
                                                                   int64_t generation);

  int64_t generation() const { return generation_; }

  // Verifies a client's chain as of `now` (RFC 5280 section 6): to an authority of tls.client_ca,
  // for a TLS client, and, where there is tls.client_crl, with no certificate of it revoked.
  // `leaf_pem` is the client's certificate; `chain_pem` has those that it sent along, may be empty,
  // and may begin with the leaf once more. An authority of the file is trusted though it is no
  // root, as in the handshake; where its own issuer is not in the file, nobody asks whether that
  // has revoked it.
  //
  // The answer is until when the verdict holds with this set: the first moment at which a
  // certificate of the chain, or a revocation list that was used, ends.
  //
  // Errors, all UNAUTHENTICATED:
  //   CLIENT_CERTIFICATE_REVOKED  it, or an authority below the trusted one, is in a list
  //   CLIENT_CERTIFICATE_EXPIRED  it, or an authority of its chain, has expired
  //   CLIENT_CRL_EXPIRED          a list that has to be looked at is past its nextUpdate
  //   CLIENT_CERTIFICATE_INVALID  anything else, such as a wrong usage or an authority that is
  //                               trusted no more
  absl::StatusOr<absl::Time> Verify(absl::string_view leaf_pem, absl::string_view chain_pem,
                                    absl::Time now) const;

 private:
  using StorePtr = std::unique_ptr<X509_STORE, OpensslDeleter<&X509_STORE_free>>;

  ClientVerifier(StorePtr store, std::vector<X509CrlPtr> crls, int64_t generation);

  // The end of what OpenSSL has accepted.
  absl::StatusOr<absl::Time> EndOf(X509_STORE_CTX& accepted, absl::Time now) const;

  const StorePtr store_;
  const std::vector<X509CrlPtr> crls_;
  const int64_t generation_;
};

// The verifier of the set in use. Thread-safe.
class ClientVerifiers {
 public:
  explicit ClientVerifiers(std::shared_ptr<const ClientVerifier> first);

  // That of the set that was taken up last. Costs one atomic read, to be asked on every call.
  int64_t generation() const { return generation_.load(std::memory_order_acquire); }
  std::shared_ptr<const ClientVerifier> Get() const;

  void Set(std::shared_ptr<const ClientVerifier> verifier);

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const ClientVerifier> verifier_ ABSL_GUARDED_BY(mutex_);
  std::atomic<int64_t> generation_;
};

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_CLIENT_VERIFIER_H_
