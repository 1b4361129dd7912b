#include "keystore/provider/decoder.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/pem.h>

#include <memory>
#include <optional>
#include <utility>

#include "common/status_macros.h"
#include "keystore/provider/dispatch.h"
#include "keystore/provider/object_loader.h"
#include "keystore/provider/store.h"
#include "keystore/provider/uri_file.h"

namespace keyward::provider {
namespace {

// A decoder that finds nothing for it says so by success without an object; OpenSSL
// then asks the next.
constexpr int kNotForUs = 1;
constexpr char kStructure[] = "keyward-uri";
constexpr size_t kMaxDerBytes = 65536;

void* New(void* provctx) { return provctx; }
void Free(void* /*context*/) {}

BioPtr Input(const ProviderContext& provider, OSSL_CORE_BIO* input) {
  return BioPtr(BIO_new_from_core_bio(provider.library_context(), input));
}

int DecodePem(void* context, OSSL_CORE_BIO* input, int /*selection*/, OSSL_CALLBACK* callback,
              void* argument, OSSL_PASSPHRASE_CALLBACK* /*ask*/, void* /*ask_argument*/) {
  const BioPtr bio = Input(ContextOf(context), input);
  char* label = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long length = 0;  // NOLINT(google-runtime-int): OpenSSL's type
  ERR_set_mark();
  const bool read = bio != nullptr && PEM_read_bio(bio.get(), &label, &header, &data, &length) == 1;
  ERR_pop_to_mark();
  int result = kNotForUs;
  if (read && absl::string_view(label) == kUriFileLabel) {
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_STRUCTURE,
                                                                  const_cast<char*>(kStructure), 0),
                                 OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, data,
                                                                   static_cast<size_t>(length)),
                                 OSSL_PARAM_construct_end()};
    result = callback(params, argument);
  }
  OPENSSL_free(label);
  OPENSSL_free(header);
  OPENSSL_free(data);
  return result;
}

std::string ReadAll(BIO* bio) {
  std::string text;
  char buffer[1024];
  size_t count = 0;
  while (text.size() <= kMaxDerBytes && BIO_read_ex(bio, buffer, sizeof(buffer), &count) == 1) {
    text.append(buffer, count);
  }
  return text;
}

// The key that the URI names; a private one unless it says another type.
absl::StatusOr<std::optional<LoadedObject>> LoadKey(const ProviderContext& provider,
                                                    const std::string& uri) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectLoader> loader, ObjectLoader::Open(provider, uri));
  const CK_OBJECT_CLASS wanted =
      loader->uri_class() == CKO_PUBLIC_KEY ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY;
  RETURN_IF_ERROR(loader->Select(wanted));
  return loader->Next();
}

template <KeyType kType>
int DecodeDer(void* context, OSSL_CORE_BIO* input, int /*selection*/, OSSL_CALLBACK* callback,
              void* argument, OSSL_PASSPHRASE_CALLBACK* /*ask*/, void* /*ask_argument*/) {
  const ProviderContext& provider = ContextOf(context);
  const BioPtr bio = Input(provider, input);
  if (bio == nullptr) return kNotForUs;
  const absl::StatusOr<std::string> uri = UriFromDer(ReadAll(bio.get()));
  if (!uri.ok()) return kNotForUs;
  absl::StatusOr<std::optional<LoadedObject>> object = LoadKey(provider, *uri);
  if (!provider.errors().Check(object.status(), "decode")) return 0;
  if (!object->has_value() || (*object)->key == nullptr || (*object)->key->type != kType) {
    return kNotForUs;
  }
  return Present(*std::move(*object), callback, argument);
}

template <OSSL_FUNC_decoder_decode_fn* kDecode>
const OSSL_DISPATCH* Functions() {
  static const OSSL_DISPATCH kFunctions[] = {
      Entry<OSSL_FUNC_decoder_newctx_fn>(OSSL_FUNC_DECODER_NEWCTX, &New),
      Entry<OSSL_FUNC_decoder_freectx_fn>(OSSL_FUNC_DECODER_FREECTX, &Free),
      Entry<OSSL_FUNC_decoder_decode_fn>(OSSL_FUNC_DECODER_DECODE, kDecode), kEndOfDispatch};
  return kFunctions;
}

constexpr char kPemProperties[] = "provider=keyward,input=pem";
constexpr char kDerProperties[] = "provider=keyward,input=der,structure=keyward-uri";

}  // namespace

const OSSL_ALGORITHM* DecoderAlgorithms() {
  static const OSSL_ALGORITHM kAlgorithms[] = {
      {"DER", kPemProperties, Functions<&DecodePem>(), "A file with a pkcs11: URI"},
      {"RSA", kDerProperties, Functions<&DecodeDer<KeyType::kRsa>>(), "An RSA key by its URI"},
      {"RSA-PSS", kDerProperties, Functions<&DecodeDer<KeyType::kRsaPss>>(),
       "An RSA-PSS key by its URI"},
      {"EC", kDerProperties, Functions<&DecodeDer<KeyType::kEc>>(), "An EC key by its URI"},
      {nullptr, nullptr, nullptr, nullptr}};
  return kAlgorithms;
}

}  // namespace keyward::provider
