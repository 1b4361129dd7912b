#include "keystore/provider/error_queue.h"

#include <openssl/err.h>

#include <cstdarg>
#include <string>

#include "keystore/provider/provider_error.h"

namespace keyward::provider {
namespace {

// The core takes a va_list only.
// NOLINTNEXTLINE(cert-dcl50-cpp)
void SetError(OSSL_FUNC_core_vset_error_fn* vset_error, const OSSL_CORE_HANDLE* handle,
              unsigned int reason, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vset_error(handle, reason, format, arguments);
  va_end(arguments);
}

}  // namespace

ErrorQueue::ErrorQueue(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* core)
    : handle_(handle) {
  for (; core->function_id != 0; ++core) {
    if (core->function_id == OSSL_FUNC_CORE_NEW_ERROR) {
      new_error_ = OSSL_FUNC_core_new_error(core);
    } else if (core->function_id == OSSL_FUNC_CORE_SET_ERROR_DEBUG) {
      set_error_debug_ = OSSL_FUNC_core_set_error_debug(core);
    } else if (core->function_id == OSSL_FUNC_CORE_VSET_ERROR) {
      vset_error_ = OSSL_FUNC_core_vset_error(core);
    }
  }
}

void ErrorQueue::Raise(const absl::Status& status, const char* function) const {
  if (new_error_ == nullptr || set_error_debug_ == nullptr || vset_error_ == nullptr) return;
  new_error_(handle_);
  set_error_debug_(handle_, "keyward", 0, function);
  SetError(vset_error_, handle_, static_cast<unsigned int>(ReasonOfProvider(status)), "%s",
           std::string(status.message()).c_str());
}

QuietQueue::QuietQueue() { ERR_set_mark(); }

QuietQueue::~QuietQueue() { ERR_pop_to_mark(); }

bool ErrorQueue::Check(const absl::Status& status, const char* function) const {
  if (!status.ok()) Raise(status, function);
  return status.ok();
}

}  // namespace keyward::provider
