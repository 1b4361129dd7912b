#include "keystore/provider/shared_module.h"

#include <dlfcn.h>
#include <libp11.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/provider/provider_error.h"
#include "keystore/provider/token_access.h"

namespace keyward::provider {
namespace {

struct Table {
  Mutex mutex;
  std::map<std::string, std::weak_ptr<SharedModule>> modules ABSL_GUARDED_BY(mutex);
};

// Destroyed when the provider is unloaded, so that nothing is left behind: unlike
// most globals it must not live on.
Table& TheTable() {
  static Table table;
  return table;
}

// Keeps the library that holds `symbol` in memory for good, if it is a library.
void PinLibraryOf(const void* symbol) {
  Dl_info info{};
  if (dladdr(symbol, &info) != 0) dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

// What registers itself with others must outlive the provider: libp11's error
// strings stay in OpenSSL's table, and Abseil's mutex leaves a destructor with every
// thread that has waited.
void PinLibraries() {
  PinLibraryOf(reinterpret_cast<const void*>(&PKCS11_CTX_new));
  PinLibraryOf(reinterpret_cast<const void*>(&absl::RegisterMutexProfiler));
}

}  // namespace

SharedModule::SharedModule(std::string path, std::unique_ptr<pkcs11::Module> module)
    : path_(std::move(path)),
      functions_(&module->functions()),
      module_(std::move(module)),
      loaded_in_(getpid()),
      process_(loaded_in_) {}

SharedModule::~SharedModule() { ShutDown(); }

absl::StatusOr<std::shared_ptr<SharedModule>> SharedModule::Get(const std::string& path) {
  Table& table = TheTable();
  // Held while the module loads: nobody else may initialise it meanwhile.
  const MutexLock lock(&table.mutex);
  std::weak_ptr<SharedModule>& entry = table.modules[path];
  if (std::shared_ptr<SharedModule> loaded = entry.lock()) return loaded;
  PinLibraries();
  absl::StatusOr<std::unique_ptr<pkcs11::Module>> module = pkcs11::Module::Load(path);
  if (!module.ok()) {
    return ProviderError(Reason::kModuleNotLoaded, module.status().message(), module.status());
  }
  std::shared_ptr<SharedModule> shared(new SharedModule(path, *std::move(module)));
  entry = shared;
  // Registered after the module has registered the destructors of its globals, so
  // run before them; and again for each module, as that is what decides.
  std::atexit(&SharedModule::ShutDownAll);
  return shared;
}

void SharedModule::Release(std::vector<std::shared_ptr<TokenAccess>> tokens,
                           std::vector<std::shared_ptr<SharedModule>> modules) {
  const MutexLock lock(&TheTable().mutex);
  tokens.clear();
  modules.clear();
}

void SharedModule::ShutDownAll() {
  std::vector<std::shared_ptr<SharedModule>> loaded;
  {
    const MutexLock lock(&TheTable().mutex);
    for (const auto& [path, module] : TheTable().modules) {
      if (auto shared = module.lock()) loaded.push_back(std::move(shared));
    }
  }
  for (const auto& module : loaded) module->ShutDown();
}

void SharedModule::ShutDown() {
  std::vector<std::shared_ptr<TokenAccess>> tokens;
  {
    const MutexLock lock(&mutex_);
    for (const auto& [slot, token] : tokens_) {
      if (auto shared = token.lock()) tokens.push_back(std::move(shared));
    }
  }
  bool in_use = false;
  for (const auto& token : tokens) in_use |= !token->ShutDown();
  const MutexLock lock(&mutex_);
  if (module_ == nullptr) return;
  const bool in_child = getpid() != loaded_in_;
  if (in_child && initialised_in_child_ && !in_use) functions_->C_Finalize(nullptr);
  // What is the parent's, or still signs on another thread, is left as it is: the
  // process is ending.
  if (in_child || in_use) {
    module_.release();  // NOLINT(bugprone-unused-return-value)
  } else {
    module_.reset();
  }
}

absl::Status SharedModule::EnterProcess() {
  const MutexLock lock(&mutex_);
  if (module_ == nullptr) {
    return ProviderError(Reason::kModuleNotLoaded, "the process is ending");
  }
  if (process_ == getpid()) return absl::OkStatus();
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV rv = functions_->C_Initialize(&arguments);
  // A module that does not notice the fork goes on as it was.
  if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
    return pkcs11::CkStatus(rv, "C_Initialize");
  }
  initialised_in_child_ = rv == CKR_OK;
  process_ = getpid();
  return absl::OkStatus();
}

std::shared_ptr<TokenAccess> SharedModule::Token(CK_SLOT_ID slot, const CK_TOKEN_INFO& info) {
  const MutexLock lock(&mutex_);
  std::weak_ptr<TokenAccess>& entry = tokens_[slot];
  std::shared_ptr<TokenAccess> token = entry.lock();
  if (token == nullptr) {
    token = std::make_shared<TokenAccess>(shared_from_this(), slot, info);
    entry = token;
  }
  return token;
}

}  // namespace keyward::provider
