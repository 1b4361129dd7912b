// OpenSSL's KEYMGMT operation (provider-keymgmt(7)) for RSA, RSA-PSS and EC.
#ifndef KEYWARD_KEYSTORE_PROVIDER_KEYMGMT_H_
#define KEYWARD_KEYSTORE_PROVIDER_KEYMGMT_H_

#include <openssl/core.h>

#include <memory>

#include "keystore/provider/key.h"

namespace keyward::provider {

// Ended by an entry without names. Keys are loaded from the store and the decoder,
// or made of a public key's parameters; none is generated, and no private half is
// taken or given.
const OSSL_ALGORITHM* KeymgmtAlgorithms();

// For the provider that is compiled in: an octet-string parameter of the import
// that holds the address of a std::shared_ptr<const PrivateKey>, which is copied.
inline constexpr char kParamPrivateKey[] = "keyward-private-key";

// A key on its way from the store to KEYMGMT: the bytes of a Key*, which load()
// takes over and sets to null. If nobody does, the key goes with the reference.
class KeyReference {
 public:
  explicit KeyReference(std::unique_ptr<Key> key) : key_(key.release()) {}
  ~KeyReference() { delete key_; }
  KeyReference(const KeyReference&) = delete;
  KeyReference& operator=(const KeyReference&) = delete;

  void* data() { return &key_; }
  // NOLINTNEXTLINE(bugprone-sizeof-expression): it is the pointer that travels.
  static constexpr size_t size() { return sizeof(Key*); }

 private:
  Key* key_;
};

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_KEYMGMT_H_
