#include "keystore/provider/provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include <memory>

#include "keystore/provider/decoder.h"
#include "keystore/provider/dispatch.h"
#include "keystore/provider/encoder.h"
#include "keystore/provider/keymgmt.h"
#include "keystore/provider/provider_context.h"
#include "keystore/provider/provider_error.h"
#include "keystore/provider/signature.h"
#include "keystore/provider/store.h"

namespace keyward::provider {
namespace {

constexpr char kName[] = "Keyward: keys on a PKCS#11 token";

void Teardown(void* provctx) { delete static_cast<ProviderContext*>(provctx); }

const OSSL_PARAM* GettableParams(void* /*provctx*/) {
  static const OSSL_PARAM kParams[] = {OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, nullptr, 0),
                                       OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, nullptr, 0),
                                       OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_BUILDINFO, nullptr, 0),
                                       OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, nullptr),
                                       OSSL_PARAM_END};
  return kParams;
}

int GetParams(void* /*provctx*/, OSSL_PARAM params[]) {
  const struct {
    const char* key;
    const char* value;
  } texts[] = {{OSSL_PROV_PARAM_NAME, kName},
               {OSSL_PROV_PARAM_VERSION, KEYWARD_VERSION},
               {OSSL_PROV_PARAM_BUILDINFO, KEYWARD_VERSION}};
  for (const auto& text : texts) {
    OSSL_PARAM* param = OSSL_PARAM_locate(params, text.key);
    if (param != nullptr && OSSL_PARAM_set_utf8_ptr(param, text.value) != 1) return 0;
  }
  OSSL_PARAM* status = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
  return status == nullptr || OSSL_PARAM_set_int(status, 1) == 1 ? 1 : 0;
}

const OSSL_ALGORITHM* QueryOperation(void* provctx, int operation, int* no_cache) {
  *no_cache = 0;
  // In the wrong place it would get keys of others: it answers for URIs, with an error.
  const bool in_order = ContextOf(provctx).order().ok();
  if (!in_order && operation != OSSL_OP_STORE && operation != OSSL_OP_DECODER) return nullptr;
  switch (operation) {
    case OSSL_OP_KEYMGMT:
      return KeymgmtAlgorithms();
    case OSSL_OP_SIGNATURE:
      return SignatureAlgorithms();
    case OSSL_OP_STORE:
      return StoreAlgorithms();
    case OSSL_OP_DECODER:
      return DecoderAlgorithms();
    case OSSL_OP_ENCODER:
      return EncoderAlgorithms();
    default:
      return nullptr;
  }
}

const OSSL_ITEM* GetReasonStrings(void* /*provctx*/) { return ReasonStrings(); }

}  // namespace

int InitProvider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* core,
                 const OSSL_DISPATCH** functions, void** provctx, bool compiled_in) {
  static const OSSL_DISPATCH kFunctions[] = {
      Entry<OSSL_FUNC_provider_teardown_fn>(OSSL_FUNC_PROVIDER_TEARDOWN, &Teardown),
      Entry<OSSL_FUNC_provider_gettable_params_fn>(OSSL_FUNC_PROVIDER_GETTABLE_PARAMS,
                                                   &GettableParams),
      Entry<OSSL_FUNC_provider_get_params_fn>(OSSL_FUNC_PROVIDER_GET_PARAMS, &GetParams),
      Entry<OSSL_FUNC_provider_query_operation_fn>(OSSL_FUNC_PROVIDER_QUERY_OPERATION,
                                                   &QueryOperation),
      Entry<OSSL_FUNC_provider_get_reason_strings_fn>(OSSL_FUNC_PROVIDER_GET_REASON_STRINGS,
                                                      &GetReasonStrings),
      kEndOfDispatch};
  absl::StatusOr<std::unique_ptr<ProviderContext>> context =
      ProviderContext::New(handle, core, compiled_in);
  if (!context.ok()) return 0;
  *provctx = context->release();
  *functions = kFunctions;
  return 1;
}

}  // namespace keyward::provider
