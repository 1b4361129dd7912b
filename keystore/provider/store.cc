#include "keystore/provider/store.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/params.h>
#include <openssl/store.h>

#include <memory>
#include <optional>
#include <utility>

#include "common/status_macros.h"
#include "keystore/provider/dispatch.h"
#include "keystore/provider/keymgmt.h"

namespace keyward::provider {
namespace {

// What OpenSSL calls a loader's context.
struct Store {
  const ProviderContext* provider;
  std::unique_ptr<ObjectLoader> loader;
  // OSSL_STORE_INFO_…, 0 for anything.
  int expected = 0;
  bool selected = false;
  // There is no way on from a failure, and callers go on until the end. But a failure
  // that is the end at once is none to some, as to openssl storeutl: so the first who
  // asks is told that it is not the end yet.
  bool failed = false;
  bool end_is_known = true;
};

Store& Of(void* context) { return *static_cast<Store*>(context); }

void* Open(void* provctx, const char* uri) {
  const ProviderContext& provider = ContextOf(provctx);
  absl::StatusOr<std::unique_ptr<ObjectLoader>> loader =
      ObjectLoader::Open(provider, uri, UriOrigin::kProgram);
  if (!provider.errors().Check(loader.status(), "store_open")) return nullptr;
  auto store = std::make_unique<Store>();
  store->provider = &provider;
  store->loader = *std::move(loader);
  return store.release();
}

const OSSL_PARAM* SettableParams(void* /*provctx*/) {
  static const OSSL_PARAM kParams[] = {OSSL_PARAM_int(OSSL_STORE_PARAM_EXPECT, nullptr),
                                       OSSL_PARAM_END};
  return kParams;
}

int SetParams(void* context, const OSSL_PARAM params[]) {
  if (params == nullptr) return 1;
  const OSSL_PARAM* expect = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_EXPECT);
  return expect == nullptr || OSSL_PARAM_get_int(expect, &Of(context).expected) == 1 ? 1 : 0;
}

std::optional<CK_OBJECT_CLASS> ClassOf(int expected) {
  switch (expected) {
    case OSSL_STORE_INFO_PKEY:
      return CKO_PRIVATE_KEY;
    case OSSL_STORE_INFO_PUBKEY:
      return CKO_PUBLIC_KEY;
    case OSSL_STORE_INFO_CERT:
      return CKO_CERTIFICATE;
    default:
      return std::nullopt;
  }
}

// A token has neither parameters nor CRLs.
bool CanBeHere(int expected) { return expected == 0 || ClassOf(expected).has_value(); }

absl::StatusOr<std::optional<LoadedObject>> NextOf(Store& store) {
  if (store.failed || !CanBeHere(store.expected)) return std::optional<LoadedObject>();
  if (!store.selected) {
    store.selected = true;
    RETURN_IF_ERROR(store.loader->Select(ClassOf(store.expected)));
  }
  return store.loader->Next();
}

int Load(void* context, OSSL_CALLBACK* callback, void* argument, OSSL_PASSPHRASE_CALLBACK* /*ask*/,
         void* /*ask_argument*/) {
  Store& store = Of(context);
  absl::StatusOr<std::optional<LoadedObject>> object = NextOf(store);
  if (!store.provider->errors().Check(object.status(), "store_load")) {
    store.failed = true;
    store.end_is_known = false;
    return 0;
  }
  // Nothing more is no failure.
  if (!object->has_value()) return 1;
  return Present(*std::move(*object), callback, argument);
}

int Eof(void* context) {
  Store& store = Of(context);
  if (!std::exchange(store.end_is_known, true)) return 0;
  if (store.failed || !CanBeHere(store.expected)) return 1;
  return store.selected && store.loader->done() ? 1 : 0;
}

int Close(void* context) {
  delete static_cast<Store*>(context);
  return 1;
}

const OSSL_DISPATCH* Functions() {
  static const OSSL_DISPATCH kFunctions[] = {
      Entry<OSSL_FUNC_store_open_fn>(OSSL_FUNC_STORE_OPEN, &Open),
      Entry<OSSL_FUNC_store_settable_ctx_params_fn>(OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS,
                                                    &SettableParams),
      Entry<OSSL_FUNC_store_set_ctx_params_fn>(OSSL_FUNC_STORE_SET_CTX_PARAMS, &SetParams),
      Entry<OSSL_FUNC_store_load_fn>(OSSL_FUNC_STORE_LOAD, &Load),
      Entry<OSSL_FUNC_store_eof_fn>(OSSL_FUNC_STORE_EOF, &Eof),
      Entry<OSSL_FUNC_store_close_fn>(OSSL_FUNC_STORE_CLOSE, &Close),
      kEndOfDispatch};
  return kFunctions;
}

int PresentKey(std::unique_ptr<Key> key, OSSL_CALLBACK* callback, void* argument) {
  int type = OSSL_OBJECT_PKEY;
  const char* name = NameOf(key->type);
  KeyReference reference(std::move(key));
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
      OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, const_cast<char*>(name), 0),
      OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, reference.data(),
                                        KeyReference::size()),
      OSSL_PARAM_construct_end()};
  return callback(params, argument);
}

int PresentCertificate(std::string der, OSSL_CALLBACK* callback, void* argument) {
  int type = OSSL_OBJECT_CERT;
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
      OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, der.data(), der.size()),
      OSSL_PARAM_construct_end()};
  return callback(params, argument);
}

}  // namespace

int Present(LoadedObject object, OSSL_CALLBACK* callback, void* argument) {
  if (object.key != nullptr) return PresentKey(std::move(object.key), callback, argument);
  return PresentCertificate(std::move(object.certificate), callback, argument);
}

const OSSL_ALGORITHM* StoreAlgorithms() {
  static const OSSL_ALGORITHM kAlgorithms[] = {
      {"pkcs11", kPropertyQuery, Functions(), "Keys and certificates on a PKCS#11 token"},
      {nullptr, nullptr, nullptr, nullptr}};
  return kAlgorithms;
}

}  // namespace keyward::provider
