// The revocation lists (RFC 5280 section 5) of the clients' authorities.
#ifndef KEYWARD_COMMON_SERVER_CLIENT_CRLS_H_
#define KEYWARD_COMMON_SERVER_CLIENT_CRLS_H_

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/openssl.h"

namespace keyward::server {

using X509CrlPtr = std::unique_ptr<X509_CRL, OpensslDeleter<&X509_CRL_free>>;

// Every list in `pem`, at least one, in its order. INVALID_ARGUMENT: "holds no PEM CRL", or which
// one is malformed; the sentence is meant to follow the file's name. Thread-safe.
absl::StatusOr<std::vector<X509CrlPtr>> ParsePemCrls(absl::string_view pem);

// The first moment at which one of `crls` ends (nextUpdate); infinite future where there is none.
// INTERNAL where CheckCrls() would find a mistake in it.
absl::StatusOr<absl::Time> EarliestNextUpdate(const std::vector<X509CrlPtr>& crls);

// Whether `crls` are of use, as of `now`, for the clients of `authorities` and of what those
// issued: each is a complete list with a nextUpdate, and is valid; one that names an authority
// among `authorities` is signed by it; and each of those that is not expired has one, for without
// it none of its clients would be served. Of an issuer that is not among them the signature is
// checked when a client shows its certificate.
//
// The error is INVALID_ARGUMENT without a reason; its message is the end of a sentence that begins
// with the file's name. Thread-safe.
absl::Status CheckCrls(const std::vector<X509CrlPtr>& crls, const std::vector<X509Ptr>& authorities,
                       absl::Time now);

// Whether `crls` would let nobody in again that `in_use` keeps out: of each authority that has
// lists in both, the newest of `crls` (thisUpdate) is not older than those of `in_use`. Lists with
// the same issuer are of the same authority, unless both name a key (authorityKeyIdentifier) and
// it is another. Errors as CheckCrls(). Thread-safe.
absl::Status CheckNotOlder(const std::vector<X509CrlPtr>& crls,
                           const std::vector<X509CrlPtr>& in_use);

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_CLIENT_CRLS_H_
