// OpenSSL's ENCODER operation (provider-encoder(7)): only to say no.
#ifndef KEYWARD_KEYSTORE_PROVIDER_ENCODER_H_
#define KEYWARD_KEYSTORE_PROVIDER_ENCODER_H_

#include <openssl/core.h>

namespace keyward::provider {

// Ended by an entry without names. They are for private keys, and each attempt to
// write one is kPrivateKeyNotExportable; without them OpenSSL would fail without a
// word. Public keys are exported, and written by OpenSSL's own encoders.
const OSSL_ALGORITHM* EncoderAlgorithms();

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_ENCODER_H_
