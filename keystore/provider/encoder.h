// OpenSSL's ENCODER operation (provider-encoder(7)): what can be written of a
// private key.
#ifndef KEYWARD_KEYSTORE_PROVIDER_ENCODER_H_
#define KEYWARD_KEYSTORE_PROVIDER_ENCODER_H_

#include <openssl/core.h>

namespace keyward::provider {

// Ended by an entry without names. They are for private keys. As text (openssl's
// -text) there are the URI and the public half; each attempt to write the key itself
// is kPrivateKeyNotExportable. Without them OpenSSL would fail without a word. Public
// keys are exported, and written by OpenSSL's own encoders.
const OSSL_ALGORITHM* EncoderAlgorithms();

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_ENCODER_H_
