#include "keystore/provider/encoder.h"

#include <openssl/core_dispatch.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "keystore/provider/dispatch.h"
#include "keystore/provider/key.h"
#include "keystore/provider/provider_error.h"

namespace keyward::provider {
namespace {

void* New(void* provctx) { return provctx; }
void Free(void* /*context*/) {}

int DoesSelection(void* /*provctx*/, int selection) {
  return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? 1 : 0;
}

int Encode(void* context, OSSL_CORE_BIO* /*output*/, const void* /*key*/,
           const OSSL_PARAM /*abstract*/[], int /*selection*/, OSSL_PASSPHRASE_CALLBACK* /*ask*/,
           void* /*ask_argument*/) {
  ContextOf(context).errors().Raise(
      ProviderError(Reason::kPrivateKeyNotExportable,
                    "the private key is on a token and stays there; write its public half "
                    "(-pubout), or a file with its URI (scripts/pkcs11-uri-pem)"),
      "encode");
  return 0;
}

int EncodeText(void* context, OSSL_CORE_BIO* output, const void* keydata,
               const OSSL_PARAM /*abstract*/[], int /*selection*/,
               OSSL_PASSPHRASE_CALLBACK* /*ask*/, void* /*ask_argument*/) {
  const Key& key = *static_cast<const Key*>(keydata);
  if (key.public_key == nullptr || key.private_key == nullptr) return 0;
  const BioPtr bio(BIO_new_from_core_bio(ContextOf(context).library_context(), output));
  const std::string text =
      absl::StrCat("Private key on a PKCS#11 token, which keeps it: ", NameOf(key.type),
                   "\nURI: ", key.private_key->Uri(), "\n");
  return bio != nullptr && BIO_puts(bio.get(), text.c_str()) > 0 &&
                 EVP_PKEY_print_public(bio.get(), key.public_key.get(), 0, nullptr) == 1
             ? 1
             : 0;
}

template <OSSL_FUNC_encoder_encode_fn* kEncode>
const OSSL_DISPATCH* Functions() {
  static const OSSL_DISPATCH kFunctions[] = {
      Entry<OSSL_FUNC_encoder_newctx_fn>(OSSL_FUNC_ENCODER_NEWCTX, &New),
      Entry<OSSL_FUNC_encoder_freectx_fn>(OSSL_FUNC_ENCODER_FREECTX, &Free),
      Entry<OSSL_FUNC_encoder_does_selection_fn>(OSSL_FUNC_ENCODER_DOES_SELECTION, &DoesSelection),
      Entry<OSSL_FUNC_encoder_encode_fn>(OSSL_FUNC_ENCODER_ENCODE, kEncode), kEndOfDispatch};
  return kFunctions;
}

constexpr char kPem[] = "provider=keyward,output=pem,structure=PrivateKeyInfo";
constexpr char kDer[] = "provider=keyward,output=der,structure=PrivateKeyInfo";
constexpr char kText[] = "provider=keyward,output=text";
constexpr char kRefuses[] = "Says that a token's private key cannot be written";
constexpr char kDescribes[] = "Says where a private key is";

}  // namespace

const OSSL_ALGORITHM* EncoderAlgorithms() {
  static const OSSL_ALGORITHM kAlgorithms[] = {
      {"RSA", kPem, Functions<&Encode>(), kRefuses},
      {"RSA", kDer, Functions<&Encode>(), kRefuses},
      {"RSA", kText, Functions<&EncodeText>(), kDescribes},
      {"RSA-PSS", kPem, Functions<&Encode>(), kRefuses},
      {"RSA-PSS", kDer, Functions<&Encode>(), kRefuses},
      {"RSA-PSS", kText, Functions<&EncodeText>(), kDescribes},
      {"EC", kPem, Functions<&Encode>(), kRefuses},
      {"EC", kDer, Functions<&Encode>(), kRefuses},
      {"EC", kText, Functions<&EncodeText>(), kDescribes},
      {nullptr, nullptr, nullptr, nullptr}};
  return kAlgorithms;
}

}  // namespace keyward::provider
