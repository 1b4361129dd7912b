// Certificates and keys in PEM (RFC 7468).
#ifndef KEYWARD_COMMON_PEM_H_
#define KEYWARD_COMMON_PEM_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/openssl.h"

namespace keyward {

// Every certificate in `pem`, at least one, in its order; text between them is skipped.
// INVALID_ARGUMENT: "holds no PEM certificate", or which one is malformed; the sentence
// is meant to follow the file's name. Thread-safe.
absl::StatusOr<std::vector<X509Ptr>> ParsePemCertificates(absl::string_view pem);

// The first private key in `pem`, which must not be encrypted: nobody is asked for a
// passphrase. INVALID_ARGUMENT: "holds no PEM private key without a passphrase", to
// follow the file's name. Thread-safe.
absl::StatusOr<EvpPkeyPtr> ParsePemPrivateKey(absl::string_view pem);

}  // namespace keyward

#endif  // KEYWARD_COMMON_PEM_H_
