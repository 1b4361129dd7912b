// The TLS files of a daemon: its certificate, its key, the authority whose clients it
// serves and which of those are revoked. Read and checked as a whole, for they are of use together
// only.
#ifndef KEYWARD_COMMON_SERVER_TLS_FILES_H_
#define KEYWARD_COMMON_SERVER_TLS_FILES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/secret.h"

namespace keyward::server {

// Paths.
struct TlsFiles {
  // PEM chain, leaf first.
  std::string certificate;
  // PEM, without a passphrase.
  std::string private_key;
  // PEM; one or more.
  std::string client_ca;
  // PEM; CRLs of those authorities, and of authorities that they issued. Empty for none: then
  // nothing is revoked.
  std::string client_crl;
};

// What was in the files when they passed every check. Immutable.
struct TlsSet {
  std::string certificate;
  Secret private_key;
  std::string client_ca;
  // Empty for none.
  std::string client_crl;
  // The last moment at which the leaf is valid.
  absl::Time not_after;
  // The first moment at which one of the CRLs ends (nextUpdate); infinite future for none.
  absl::Time client_crl_end = absl::InfiniteFuture();
};

struct TlsMistake {
  // "tls.certificate", "tls.private_key", "tls.client_ca" or "tls.client_crl".
  std::string setting;
  std::string file;
  // What is wrong with the file, as the end of a sentence that begins with it.
  std::string what;
};

// Every mistake: a file that cannot be read, is no regular file or has no PEM of its kind; a
// certificate that is not valid now (RFC 5280 section 4.1.2.5), is not for a server or that
// OpenSSL finds too weak; a key that others than its owner can access, or that is not the
// certificate's; a CRL that CheckCrls() refuses. Thread-safe.
std::vector<TlsMistake> CheckTlsFiles(const TlsFiles& files);

// What is in the files. Where that is what `known` (may be null) has, the answer is `known`
// itself, and only whether the files can be read was checked anew. Thread-safe.
//
// Errors: INVALID_ARGUMENT, without a reason, where CheckTlsFiles() has mistakes, or the CRLs are
// older than those of `known` (CheckNotOlder()); its message
// has all of them in one line: "tls.certificate: FILE: has expired: ...; tls.private_key: ...".
absl::StatusOr<std::shared_ptr<const TlsSet>> ReadTlsFiles(
    const TlsFiles& files, std::shared_ptr<const TlsSet> known = nullptr);

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_TLS_FILES_H_
