// What a key of the provider signs with.
#ifndef KEYWARD_KEYSTORE_PROVIDER_PRIVATE_KEY_H_
#define KEYWARD_KEYSTORE_PROVIDER_PRIVATE_KEY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "keystore/pkcs11/mechanism.h"

namespace keyward::provider {

// The private half of a key pair, wherever it is. Implementations are thread-safe.
class PrivateKey {
 public:
  virtual ~PrivateKey() = default;

  // As pkcs11::SignDigest(): RSA as long as the modulus; ECDSA r and s, each as
  // long as the curve's order. The provider verifies what it gets.
  virtual absl::StatusOr<std::string> SignDigest(const pkcs11::SignatureScheme& scheme,
                                                 absl::string_view digest) const = 0;

  // The RFC 7512 URI that leads to the key, empty where it has none.
  virtual std::string Uri() const { return ""; }
};

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_PRIVATE_KEY_H_
