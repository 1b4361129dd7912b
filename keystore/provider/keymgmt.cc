#include "keystore/provider/keymgmt.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "keystore/provider/dispatch.h"
#include "keystore/provider/error_queue.h"
#include "keystore/provider/provider_error.h"

namespace keyward::provider {
namespace {

const Key& KeyOf(const void* keydata) { return *static_cast<const Key*>(keydata); }

template <KeyType kType>
void* New(void* provctx) {
  auto key = std::make_unique<Key>();
  key->provider = &ContextOf(provctx);
  key->type = kType;
  return key.release();
}

void Free(void* keydata) { delete static_cast<Key*>(keydata); }

void* Duplicate(const void* keydata, int /*selection*/) { return CopyOf(KeyOf(keydata)).release(); }

template <KeyType kType>
void* Load(const void* reference, size_t size) {
  if (reference == nullptr || size != KeyReference::size()) return nullptr;
  auto& key = *static_cast<Key**>(const_cast<void*>(reference));
  if (key == nullptr || key->type != kType) return nullptr;
  return std::exchange(key, nullptr);
}

int Has(const void* keydata, int selection) {
  if (keydata == nullptr) return 0;
  const Key& key = KeyOf(keydata);
  if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && key.private_key == nullptr) return 0;
  // The curve comes with the public key, so there is no half of one.
  return selection == 0 || key.public_key != nullptr ? 1 : 0;
}

// Private halves are the same where the public ones are.
int Match(const void* keydata1, const void* keydata2, int selection) {
  const EVP_PKEY* one = KeyOf(keydata1).public_key.get();
  const EVP_PKEY* other = KeyOf(keydata2).public_key.get();
  if (one == nullptr || other == nullptr) return 0;
  if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0) return EVP_PKEY_eq(one, other) == 1 ? 1 : 0;
  if ((selection & OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS) != 0) {
    return KeyOf(keydata1).type != KeyType::kEc || EVP_PKEY_parameters_eq(one, other) == 1 ? 1 : 0;
  }
  return 1;
}

int Validate(const void* keydata, int selection, int /*check_type*/) {
  if (Has(keydata, selection) != 1) return 0;
  const Key& key = KeyOf(keydata);
  const EvpPkeyCtxPtr context(
      EVP_PKEY_CTX_new_from_pkey(key.provider->library_context(), key.public_key.get(), nullptr));
  return context != nullptr && EVP_PKEY_public_check(context.get()) == 1 ? 1 : 0;
}

int GetParams(void* keydata, OSSL_PARAM params[]) {
  const Key& key = KeyOf(keydata);
  return key.public_key != nullptr && EVP_PKEY_get_params(key.public_key.get(), params) == 1 ? 1
                                                                                             : 0;
}

// Whatever OpenSSL's own keys of the type tell of their public half.
template <KeyType kType>
const OSSL_PARAM* GettableParams(void* /*provctx*/) {
  static const OSSL_PARAM kCommon[] = {
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0),
      OSSL_PARAM_END};
  static const OSSL_PARAM kEc[] = {
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, nullptr, 0),
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_X, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_Y, nullptr, 0),
      OSSL_PARAM_END};
  return kType == KeyType::kEc ? kEc : kCommon;
}

bool HoldsPrivateKey(const OSSL_PARAM params[]) {
  for (const char* name : {OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_PRIV_KEY,
                           OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_EXPONENT1}) {
    if (OSSL_PARAM_locate_const(params, name) != nullptr) return true;
  }
  return false;
}

absl::Status ImportInto(Key& key, const OSSL_PARAM params[]) {
  const QuietQueue quiet;
  const OSSL_PARAM* handed_over = OSSL_PARAM_locate_const(params, kParamPrivateKey);
  if (handed_over != nullptr && key.provider->compiled_in()) {
    const void* address = nullptr;
    size_t size = 0;
    if (OSSL_PARAM_get_octet_string_ptr(handed_over, &address, &size) != 1 ||
        size != sizeof(std::shared_ptr<const PrivateKey>)) {
      return absl::InternalError("the private key was not handed over as it must be");
    }
    key.private_key = *static_cast<const std::shared_ptr<const PrivateKey>*>(address);
  }
  ASSIGN_OR_RETURN(key.public_key, PublicKeyFromParams(*key.provider, key.type, params));
  return absl::OkStatus();
}

int Import(void* keydata, int selection, const OSSL_PARAM params[]) {
  Key& key = *static_cast<Key*>(keydata);
  // A software key stays with the provider that has it. No error, as in Export().
  if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0 || HoldsPrivateKey(params)) return 0;
  return key.provider->errors().Check(ImportInto(key, params), "import") ? 1 : 0;
}

// OpenSSL tries this whenever another provider might do what was asked. A key that
// has a private half says no to all that include it, so that the operation comes
// to us; quietly, for the queue would keep the error of an attempt that OpenSSL gets
// over, and TLS takes what is on the queue for its own.
int Export(void* keydata, int selection, OSSL_CALLBACK* callback, void* argument) {
  const Key& key = KeyOf(keydata);
  if (key.public_key == nullptr) return 0;
  if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && key.private_key != nullptr) return 0;
  return EVP_PKEY_export(key.public_key.get(), selection & ~OSSL_KEYMGMT_SELECT_PRIVATE_KEY,
                         callback, argument);
}

template <KeyType kType>
const OSSL_PARAM* PublicTypes(int selection) {
  static const OSSL_PARAM kRsa[] = {OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0),
                                    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0),
                                    OSSL_PARAM_END};
  static const OSSL_PARAM kEc[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
                                   OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
                                   OSSL_PARAM_END};
  if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0) return nullptr;
  return kType == KeyType::kEc ? kEc : kRsa;
}

template <KeyType kType>
const char* OperationName(int operation) {
  if (operation != OSSL_OP_SIGNATURE) return NameOf(kType);
  return kType == KeyType::kEc ? "ECDSA" : "RSA";
}

template <KeyType kType>
const OSSL_DISPATCH* Functions() {
  static const OSSL_DISPATCH kFunctions[] = {
      Entry<OSSL_FUNC_keymgmt_new_fn>(OSSL_FUNC_KEYMGMT_NEW, &New<kType>),
      Entry<OSSL_FUNC_keymgmt_free_fn>(OSSL_FUNC_KEYMGMT_FREE, &Free),
      Entry<OSSL_FUNC_keymgmt_dup_fn>(OSSL_FUNC_KEYMGMT_DUP, &Duplicate),
      Entry<OSSL_FUNC_keymgmt_load_fn>(OSSL_FUNC_KEYMGMT_LOAD, &Load<kType>),
      Entry<OSSL_FUNC_keymgmt_has_fn>(OSSL_FUNC_KEYMGMT_HAS, &Has),
      Entry<OSSL_FUNC_keymgmt_match_fn>(OSSL_FUNC_KEYMGMT_MATCH, &Match),
      Entry<OSSL_FUNC_keymgmt_validate_fn>(OSSL_FUNC_KEYMGMT_VALIDATE, &Validate),
      Entry<OSSL_FUNC_keymgmt_get_params_fn>(OSSL_FUNC_KEYMGMT_GET_PARAMS, &GetParams),
      Entry<OSSL_FUNC_keymgmt_gettable_params_fn>(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS,
                                                  &GettableParams<kType>),
      Entry<OSSL_FUNC_keymgmt_import_fn>(OSSL_FUNC_KEYMGMT_IMPORT, &Import),
      Entry<OSSL_FUNC_keymgmt_import_types_fn>(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, &PublicTypes<kType>),
      Entry<OSSL_FUNC_keymgmt_export_fn>(OSSL_FUNC_KEYMGMT_EXPORT, &Export),
      Entry<OSSL_FUNC_keymgmt_export_types_fn>(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, &PublicTypes<kType>),
      Entry<OSSL_FUNC_keymgmt_query_operation_name_fn>(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME,
                                                       &OperationName<kType>),
      kEndOfDispatch};
  return kFunctions;
}

}  // namespace

const OSSL_ALGORITHM* KeymgmtAlgorithms() {
  // The names of OpenSSL's own, so that the types are the same.
  static const OSSL_ALGORITHM kAlgorithms[] = {
      {"RSA:rsaEncryption:1.2.840.113549.1.1.1", kPropertyQuery, Functions<KeyType::kRsa>(),
       "RSA keys on a PKCS#11 token"},
      {"RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10", kPropertyQuery, Functions<KeyType::kRsaPss>(),
       "RSA keys on a PKCS#11 token that sign with PSS alone"},
      {"EC:id-ecPublicKey:1.2.840.10045.2.1", kPropertyQuery, Functions<KeyType::kEc>(),
       "EC keys on a PKCS#11 token"},
      {nullptr, nullptr, nullptr, nullptr}};
  return kAlgorithms;
}

}  // namespace keyward::provider
