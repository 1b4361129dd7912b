// PKCS#11 modules, each loaded once in the process.
#ifndef KEYWARD_KEYSTORE_PROVIDER_SHARED_MODULE_H_
#define KEYWARD_KEYSTORE_PROVIDER_SHARED_MODULE_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "keystore/pkcs11/module.h"

namespace keyward::provider {

class TokenAccess;

// A module that several copies of the provider may use: Cryptoki is initialised
// once for a process, and a login counts for all of it. The last that lets go of it
// finalises and unloads it; so does the end of the process, before the destructors
// of the module's own globals run. Thread-safe.
//
// After fork() the child initialises Cryptoki again (PKCS#11 2.40 section 2.5.2) and
// leaves everything of its parent's as it is: the parent's sessions may be behind a
// connection that both now hold.
class SharedModule : public std::enable_shared_from_this<SharedModule> {
 public:
  // The module at `path`, loaded now or before. kModuleNotLoaded.
  static absl::StatusOr<std::shared_ptr<SharedModule>> Get(const std::string& path);
  ~SharedModule();
  SharedModule(const SharedModule&) = delete;
  SharedModule& operator=(const SharedModule&) = delete;

  // Lets go of `tokens` and `modules`, and unloads what nobody else holds. The only
  // way to do it: another thread that asks for the module meanwhile waits.
  static void Release(std::vector<std::shared_ptr<TokenAccess>> tokens,
                      std::vector<std::shared_ptr<SharedModule>> modules);

  const std::string& path() const { return path_; }
  const CK_FUNCTION_LIST& functions() const { return *functions_; }

  // The token in `slot`, as every user of the module sees it.
  std::shared_ptr<TokenAccess> Token(CK_SLOT_ID slot, const CK_TOKEN_INFO& info);

  // To be called before the module is used: initialises it again in a child.
  // kModuleNotLoaded once the process is ending.
  absl::Status EnterProcess();

 private:
  SharedModule(std::string path, std::unique_ptr<pkcs11::Module> module);

  static void ShutDownAll();
  void ShutDown();

  const std::string path_;
  const CK_FUNCTION_LIST* const functions_;
  Mutex mutex_;
  std::unique_ptr<pkcs11::Module> module_ ABSL_GUARDED_BY(mutex_);
  const pid_t loaded_in_;
  pid_t process_ ABSL_GUARDED_BY(mutex_);
  // Whether Cryptoki is ours to finalise in a child.
  bool initialised_in_child_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<CK_SLOT_ID, std::weak_ptr<TokenAccess>> tokens_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_SHARED_MODULE_H_
