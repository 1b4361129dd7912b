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
};

// From the URI's pin-value or pin-source, else from `configured_source` (a path or
// file: URI; may be empty). Nothing where none of them is given; nobody is asked.
// kPinUnreadable.
absl::StatusOr<std::optional<Pin>> ReadPin(const pkcs11::ObjectUri& uri,
                                           const std::string& configured_source);

// Refused PINs, by token, for the life of the process or of the loaded provider; as
// digests. Thread-safe.
bool WasRefused(const std::string& token, const Secret& pin);
void RememberRefused(const std::string& token, const Secret& pin);

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_PIN_H_
