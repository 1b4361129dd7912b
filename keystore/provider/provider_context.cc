#include "keystore/provider/provider_context.h"

#include <openssl/params.h>

#include <utility>

#include "common/status_macros.h"
#include "keystore/provider/provider_error.h"

namespace keyward::provider {
namespace {

template <typename Function>
Function* Find(const OSSL_DISPATCH* core, int id, Function* (*get)(const OSSL_DISPATCH*)) {
  for (; core->function_id != 0; ++core) {
    if (core->function_id == id) return get(core);
  }
  return nullptr;
}

std::string OrEmpty(const char* text) { return text == nullptr ? "" : text; }

Settings ReadSettings(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* core) {
  const auto get_params = Find(core, OSSL_FUNC_CORE_GET_PARAMS, OSSL_FUNC_core_get_params);
  if (get_params == nullptr) return {};
  char* module = nullptr;
  char* token = nullptr;
  char* pin_source = nullptr;
  char* activate = nullptr;
  OSSL_PARAM wanted[] = {OSSL_PARAM_construct_utf8_ptr("pkcs11-module", &module, 0),
                         OSSL_PARAM_construct_utf8_ptr("token", &token, 0),
                         OSSL_PARAM_construct_utf8_ptr("pin-source", &pin_source, 0),
                         OSSL_PARAM_construct_utf8_ptr("activate", &activate, 0),
                         OSSL_PARAM_construct_end()};
  if (get_params(handle, wanted) != 1) return {};
  return {.module = OrEmpty(module),
          .token = OrEmpty(token),
          .pin_source = OrEmpty(pin_source),
          .configured = activate != nullptr};
}

// A provider listed first is asked first, whatever the key: it would be given the
// software keys of the program, and of a module that uses OpenSSL itself, as
// SoftHSM does. So another provider of RSA must be there already.
absl::Status CheckOrder(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* core) {
  const auto get_libctx = Find(core, OSSL_FUNC_CORE_GET_LIBCTX, OSSL_FUNC_core_get_libctx);
  if (get_libctx == nullptr) return absl::OkStatus();
  // The core's handle is the application's OSSL_LIB_CTX, as OpenSSL's own providers
  // take it too.
  auto* application = reinterpret_cast<OSSL_LIB_CTX*>(get_libctx(handle));
  if (OSSL_PROVIDER_available(application, "default") == 1 ||
      OSSL_PROVIDER_available(application, "fips") == 1) {
    return absl::OkStatus();
  }
  return ProviderError(Reason::kWrongOrder,
                       "load the default (or fips) provider before keyward: list and activate it "
                       "first in openssl.cnf, or give -provider default -provider keyward");
}

}  // namespace

ProviderContext::ProviderContext(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* core,
                                 bool compiled_in)
    : errors_(handle, core),
      compiled_in_(compiled_in),
      settings_(ReadSettings(handle, core)),
      // From the core's table, so that BIO_new_from_core_bio() works with it.
      library_context_(OSSL_LIB_CTX_new_from_dispatch(handle, core)),
      default_provider_(library_context_ == nullptr
                            ? nullptr
                            : OSSL_PROVIDER_load(library_context_.get(), "default")),
      order_(CheckOrder(handle, core)) {}

absl::StatusOr<std::unique_ptr<ProviderContext>> ProviderContext::New(
    const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* core, bool compiled_in) {
  std::unique_ptr<ProviderContext> context(new ProviderContext(handle, core, compiled_in));
  absl::Status status = context->settings_.configured ? absl::OkStatus() : context->order_;
  if (status.ok() && context->default_provider_ == nullptr) {
    const QuietQueue quiet;
    status = OpensslError("cannot make a library context with the default provider");
  }
  if (context->errors_.Check(status, "load")) return context;
  return status;
}

}  // namespace keyward::provider
