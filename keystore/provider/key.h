// A key of the provider.
#ifndef KEYWARD_KEYSTORE_PROVIDER_KEY_H_
#define KEYWARD_KEYSTORE_PROVIDER_KEY_H_

#include <openssl/core.h>

#include <memory>

#include "absl/status/statusor.h"
#include "common/openssl.h"
#include "keystore/pkcs11/public_key.h"
#include "keystore/provider/private_key.h"
#include "keystore/provider/provider_context.h"

namespace keyward::provider {

// kRsaPss is an RSA key that may sign with PSS alone (RFC 4055's id-RSASSA-PSS).
enum class KeyType { kRsa, kRsaPss, kEc };

// OpenSSL's name of the type: "RSA", "RSA-PSS", "EC".
const char* NameOf(KeyType type);

// What OpenSSL calls keydata. Not changed once it is filled, so that threads may
// share it.
struct Key {
  const ProviderContext* provider = nullptr;
  KeyType type = KeyType::kRsa;
  // The public half, in the provider's private library context. Null only in a key
  // that OpenSSL has made and not filled yet.
  EvpPkeyPtr public_key;
  // Null for a public key.
  std::shared_ptr<const PrivateKey> private_key;
};

// Shares the halves of `key`, which are not changed.
std::unique_ptr<Key> CopyOf(const Key& key);

// A public key from OpenSSL's parameters (EVP_PKEY_fromdata(3)) in the provider's
// private library context. kKeyUnsupported for a curve other than P-256 and P-384.
absl::StatusOr<EvpPkeyPtr> PublicKeyFromParams(const ProviderContext& provider, KeyType type,
                                               const OSSL_PARAM params[]);

// The same from what a token says of a key; `type` must fit it.
absl::StatusOr<EvpPkeyPtr> PublicKeyFromToken(const ProviderContext& provider, KeyType type,
                                              const pkcs11::PublicKeyValue& value);

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_KEY_H_
