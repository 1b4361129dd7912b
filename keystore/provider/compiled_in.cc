#include "keystore/provider/compiled_in.h"

#include <openssl/params.h>

#include <utility>

#include "keystore/provider/keymgmt.h"
#include "keystore/provider/provider.h"

namespace keyward::provider {
namespace {

using Params = std::unique_ptr<OSSL_PARAM, OpensslDeleter<&OSSL_PARAM_free>>;

int Init(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* core, const OSSL_DISPATCH** functions,
         void** provctx) {
  return InitProvider(handle, core, functions, provctx, /*compiled_in=*/true);
}

Params PublicParams(const EVP_PKEY& key) {
  OSSL_PARAM* params = nullptr;
  EVP_PKEY_todata(&key, EVP_PKEY_PUBLIC_KEY, &params);
  return Params(params);
}

}  // namespace

absl::StatusOr<std::unique_ptr<SigningContext>> SigningContext::New() {
  std::unique_ptr<SigningContext> context(new SigningContext);
  context->library_context_.reset(OSSL_LIB_CTX_new());
  OSSL_LIB_CTX* library_context = context->library_context();
  if (library_context == nullptr) return OpensslError("cannot make a library context");
  context->default_provider_.reset(OSSL_PROVIDER_load(library_context, "default"));
  if (context->default_provider_ == nullptr ||
      OSSL_PROVIDER_add_builtin(library_context, "keyward", &Init) != 1) {
    return OpensslError("cannot load OpenSSL's default provider");
  }
  context->keyward_.reset(OSSL_PROVIDER_load(library_context, "keyward"));
  if (context->keyward_ == nullptr) return OpensslError("cannot load the keyward provider");
  return context;
}

absl::StatusOr<EvpPkeyPtr> SigningContext::MakeKey(
    const EVP_PKEY& public_key, std::shared_ptr<const PrivateKey> private_key) const {
  const Params exported = PublicParams(public_key);
  if (exported == nullptr) return OpensslError("cannot read the public key");
  OSSL_PARAM handed_over[] = {
      OSSL_PARAM_construct_octet_string(kParamPrivateKey, &private_key, sizeof(private_key)),
      OSSL_PARAM_construct_end()};
  // Its array is its own, the values stay with the two.
  const Params all(OSSL_PARAM_merge(exported.get(), handed_over));
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(
      library_context(), EVP_PKEY_get0_type_name(&public_key), "provider=keyward"));
  EVP_PKEY* key = nullptr;
  if (all == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, all.get()) != 1) {
    return OpensslError("cannot make the key");
  }
  return EvpPkeyPtr(key);
}

}  // namespace keyward::provider
