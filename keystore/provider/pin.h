// Where the provider gets a token's user PIN from.
#ifndef KEYWARD_KEYSTORE_PROVIDER_PIN_H_
#define KEYWARD_KEYSTORE_PROVIDER_PIN_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/secret.h"
#include "keystore/pkcs11/object_uri.h"

namespace keyward::provider {

struct Pin {
  Secret value;
  // For messages: "the URI's pin-value", "/etc/keyward/pin".
  std::string source;
  // Whether `source` is the path of a file.
  bool is_file = false;
  // Whether the URI gave it, and not openssl.cnf.
  bool from_uri = false;
};

// From the URI's pin-value or pin-source, else from `configured_source` (a path or
// file: URI; may be empty). Nothing where none of them is given; nobody is asked.
// kPinUnreadable, also for a file that any user of the machine may access.
absl::StatusOr<std::optional<Pin>> ReadPin(const pkcs11::ObjectUri& uri,
                                           const std::string& configured_source);

// What is kept of `pin` to use it again: of a file's, where it is; else the PIN itself.
Pin Keep(const Pin& pin);

// The PIN of one that was kept. A file is read again. kPinUnreadable.
absl::StatusOr<Pin> Recall(const Pin& kept);

// Whether the two are the same text, found out in a time that does not tell where they
// differ.
bool SamePin(const Pin& one, const Pin& other);

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_PIN_H_
