// The tokens that one copy of the provider has opened.
#ifndef KEYWARD_KEYSTORE_PROVIDER_TOKEN_CACHE_H_
#define KEYWARD_KEYSTORE_PROVIDER_TOKEN_CACHE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "keystore/pkcs11/object_uri.h"
#include "keystore/provider/token_access.h"

namespace keyward::provider {

struct Settings;

// Holds them open, so that a module is not unloaded and loaded again between two
// uses. Thread-safe.
class TokenCache {
 public:
  TokenCache() = default;
  ~TokenCache();
  TokenCache(const TokenCache&) = delete;
  TokenCache& operator=(const TokenCache&) = delete;

  // The one token that the URI means, else the one of the settings, else the only
  // one that the module has. kConfigurationInvalid, kModuleNotLoaded, kTokenNotFound,
  // kTokenAmbiguous, or the module's error.
  absl::StatusOr<std::shared_ptr<TokenAccess>> Open(const Settings& settings,
                                                    const pkcs11::ObjectUri& uri);

 private:
  Mutex mutex_;
  std::vector<std::shared_ptr<SharedModule>> modules_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<TokenAccess>> tokens_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_TOKEN_CACHE_H_
