// Where the token's PIN comes from.
#ifndef KEYWARD_SIGNER_PIN_SOURCE_H_
#define KEYWARD_SIGNER_PIN_SOURCE_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/secret.h"
#include "common/secret_file.h"

namespace keyward::signer {

inline constexpr size_t kMaxPinBytes = kMaxSecretBytes;

struct PinSource {
  enum class Kind {
    // The first line of the file at the path `name`.
    kFile,
    // The environment variable `name`.
    kEnvironment,
    // The first line of the file `name` in $CREDENTIALS_DIRECTORY, where systemd
    // puts credentials (systemd.exec(5), LoadCredential=).
    kCredential,
  };

  Kind kind = Kind::kFile;
  std::string name;

  // For messages: "file /etc/keyward/pin", "environment variable KEYWARD_PIN",
  // "systemd credential keyward-pin".
  std::string Describe() const;
};

// The PIN, on locked pages; where the system locks none, a warning is logged once. An
// environment variable is wiped and removed from the environment, so it is read once; call this
// while the process has one thread. A file must be a regular one that nobody but its
// owner can access; systemd guards its credentials itself.
//
// Errors, without a reason; they name the source and never hold the PIN:
//   NOT_FOUND            no such file, variable or credential
//   FAILED_PRECONDITION  others than its owner can access the file
//   INVALID_ARGUMENT     empty, longer than kMaxPinBytes, or with control characters
// and what the system says where the file cannot be read.
absl::StatusOr<Secret> ReadPin(const PinSource& source);

// Whether ReadPin() would succeed. Leaves the environment as it is.
absl::Status CheckPin(const PinSource& source);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_PIN_SOURCE_H_
