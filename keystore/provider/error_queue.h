// absl::Status on OpenSSL's error queue.
#ifndef KEYWARD_KEYSTORE_PROVIDER_ERROR_QUEUE_H_
#define KEYWARD_KEYSTORE_PROVIDER_ERROR_QUEUE_H_

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include "absl/status/status.h"

namespace keyward::provider {

// Puts errors on the calling thread's queue through the functions that OpenSSL
// gave the provider (provider-base(7)), so that they carry the provider's name and
// its reasons. Thread-safe.
class ErrorQueue {
 public:
  ErrorQueue(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* core);

  // Raises `status`, which must not be OK: its reason as the code, its message as
  // the text. `function` is the operation that failed, for a debugger's eyes.
  void Raise(const absl::Status& status, const char* function) const;

  // True for OK. Otherwise raises the error and returns false.
  bool Check(const absl::Status& status, const char* function) const;

 private:
  const OSSL_CORE_HANDLE* handle_;
  OSSL_FUNC_core_new_error_fn* new_error_ = nullptr;
  OSSL_FUNC_core_set_error_debug_fn* set_error_debug_ = nullptr;
  OSSL_FUNC_core_vset_error_fn* vset_error_ = nullptr;
};

// While it lives, what others put on this thread's queue does not stay there, and what
// the application has there does. For calls of a module: SoftHSM uses OpenSSL too, and
// leaves errors behind even where it succeeds, which TLS would take for its own. And for
// what calls OpensslError(), which forgets all down to this mark. Nothing is raised
// meanwhile.
class QuietQueue {
 public:
  QuietQueue();
  ~QuietQueue();
  QuietQueue(const QuietQueue&) = delete;
  QuietQueue& operator=(const QuietQueue&) = delete;
};

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_ERROR_QUEUE_H_
