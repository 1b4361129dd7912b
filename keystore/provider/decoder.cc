#include "keystore/provider/decoder.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/secret.h"
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

// Follows the DER from a PEM block of ours. A file without it is not for us: it is bare
// DER, or from a block of another kind, which OpenSSL would give us as well.
// Empty where there is no randomness for it.
const std::string& MarkOf(const ProviderContext& provider) {
  static const std::string kMark = [&provider] {
    std::array<uint8_t, 32> mark{};
    const bool made = RAND_bytes_ex(provider.library_context(), mark.data(), mark.size(), 0) == 1;
    return made ? std::string(mark.begin(), mark.end()) : std::string();
  }();
  return kMark;
}

BioPtr Input(const ProviderContext& provider, OSSL_CORE_BIO* input) {
  return BioPtr(BIO_new_from_core_bio(provider.library_context(), input));
}

int PassOn(std::string der, OSSL_CALLBACK* callback, void* argument) {
  const absl::Cleanup wipe = [&der] { WipeString(der); };
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_STRUCTURE,
                                       const_cast<char*>(kStructure), 0),
      OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, der.data(), der.size()),
      OSSL_PARAM_construct_end()};
  return callback(params, argument);
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
  const std::string& mark = MarkOf(ContextOf(context));
  if (read && !mark.empty() && absl::string_view(label) == kUriFileLabel) {
    const absl::string_view der(reinterpret_cast<char*>(data), static_cast<size_t>(length));
    result = PassOn(absl::StrCat(der, mark), callback, argument);
  }
  OPENSSL_free(label);
  OPENSSL_free(header);
  OPENSSL_clear_free(data, static_cast<size_t>(length));
  return result;
}

std::string ReadAll(BIO* bio) {
  std::string text;
  char buffer[1024];
  size_t count = 0;
  while (text.size() <= kMaxDerBytes && BIO_read_ex(bio, buffer, sizeof(buffer), &count) == 1) {
    text.append(buffer, count);
  }
  OPENSSL_cleanse(buffer, sizeof(buffer));
  return text;
}

// The URI in what DecodePem() has passed on.
absl::StatusOr<std::string> ReadUri(const ProviderContext& provider, BIO* input) {
  std::string text = ReadAll(input);
  const absl::Cleanup wipe = [&text] { WipeString(text); };
  absl::string_view der = text;
  const std::string& mark = MarkOf(provider);
  if (mark.empty() || !absl::ConsumeSuffix(&der, mark)) {
    return absl::InvalidArgumentError("not from a PEM block of ours");
  }
  return UriFromDer(der);
}

// The key that the URI names; a private one unless it says another type.
absl::StatusOr<std::optional<LoadedObject>> LoadKey(const ProviderContext& provider,
                                                    const std::string& uri) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectLoader> loader,
                   ObjectLoader::Open(provider, uri, UriOrigin::kFile));
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
  absl::StatusOr<std::string> uri = ReadUri(provider, bio.get());
  if (!uri.ok()) return kNotForUs;
  const absl::Cleanup wipe = [&uri] { WipeString(*uri); };
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
