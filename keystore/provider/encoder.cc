#include "keystore/provider/encoder.h"

#include <openssl/core_dispatch.h>

#include "keystore/provider/dispatch.h"
#include "keystore/provider/provider_context.h"
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

const OSSL_DISPATCH* Functions() {
  static const OSSL_DISPATCH kFunctions[] = {
      Entry<OSSL_FUNC_encoder_newctx_fn>(OSSL_FUNC_ENCODER_NEWCTX, &New),
      Entry<OSSL_FUNC_encoder_freectx_fn>(OSSL_FUNC_ENCODER_FREECTX, &Free),
      Entry<OSSL_FUNC_encoder_does_selection_fn>(OSSL_FUNC_ENCODER_DOES_SELECTION, &DoesSelection),
      Entry<OSSL_FUNC_encoder_encode_fn>(OSSL_FUNC_ENCODER_ENCODE, &Encode), kEndOfDispatch};
  return kFunctions;
}

constexpr char kPem[] = "provider=keyward,output=pem,structure=PrivateKeyInfo";
constexpr char kDer[] = "provider=keyward,output=der,structure=PrivateKeyInfo";
constexpr char kDescription[] = "Says that a token's private key cannot be written";

}  // namespace

const OSSL_ALGORITHM* EncoderAlgorithms() {
  static const OSSL_ALGORITHM kAlgorithms[] = {
      {"RSA", kPem, Functions(), kDescription},     {"RSA", kDer, Functions(), kDescription},
      {"RSA-PSS", kPem, Functions(), kDescription}, {"RSA-PSS", kDer, Functions(), kDescription},
      {"EC", kPem, Functions(), kDescription},      {"EC", kDer, Functions(), kDescription},
      {nullptr, nullptr, nullptr, nullptr}};
  return kAlgorithms;
}

}  // namespace keyward::provider
