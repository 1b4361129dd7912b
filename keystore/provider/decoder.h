// OpenSSL's DECODER operation (provider-decoder(7)) for files that hold a pkcs11:
// URI in place of a key (uri_file.h).
#ifndef KEYWARD_KEYSTORE_PROVIDER_DECODER_H_
#define KEYWARD_KEYSTORE_PROVIDER_DECODER_H_

#include <openssl/core.h>

namespace keyward::provider {

// Ended by an entry without names. In two steps, as OpenSSL chains decoders: PEM to
// DER, and DER to a key of each type.
const OSSL_ALGORITHM* DecoderAlgorithms();

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_DECODER_H_
