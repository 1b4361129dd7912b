#include "keystore/pkcs11/module.h"

#include <dlfcn.h>
#include <libp11.h>

#include <new>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/mutex.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/cryptoki_types.h"
#include "keystore/pkcs11/slot_list.h"

namespace keyward::pkcs11 {
namespace {

// libp11 counts its contexts without a lock, and whether a module is in use must
// not change between the question and what follows from it.
Mutex& LoadMutex() {
  // Never destroyed, as others' destructors may use it; and not on the heap, since
  // keyward.so is unloaded while the process lives on.
  alignas(Mutex) static char storage[sizeof(Mutex)];
  static Mutex& mutex = *new (storage) Mutex;
  return mutex;
}

// Whether something else in this process has initialised the module.
absl::StatusOr<bool> IsInUse(const CK_FUNCTION_LIST& functions) {
  CK_INFO info{};
  if (functions.C_GetInfo(&info) != CKR_OK) return false;
  // A module may answer that in any case, or count its users; both let us
  // initialise it once more.
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV rv = functions.C_Initialize(&arguments);
  if (rv == CKR_CRYPTOKI_ALREADY_INITIALIZED) return true;
  RETURN_IF_ERROR(CkStatus(rv, "C_Initialize"));
  functions.C_Finalize(nullptr);
  return false;
}

}  // namespace

void Module::CloseLibrary::operator()(void* library) const { dlclose(library); }

void Module::UnloadContext::operator()(PKCS11_ctx_st* context) const {
  MutexLock lock(&LoadMutex());
  PKCS11_CTX_unload(context);
  PKCS11_CTX_free(context);
}

Module::Module(Library library, Context context, ModuleInstance instance,
               const CK_FUNCTION_LIST* functions)
    : library_(std::move(library)),
      context_(std::move(context)),
      instance_(std::move(instance)),
      functions_(functions) {}

Module::~Module() = default;

absl::StatusOr<std::unique_ptr<Module>> Module::Load(const std::string& path) {
  // libp11 does not hand out the function list, so the library is opened here
  // too: the loader gives both of us the same one, and most modules the same list.
  Library library(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (library == nullptr) {
    const char* why = dlerror();
    return absl::NotFoundError(absl::StrCat("cannot load the PKCS#11 module ", path, ": ",
                                            why == nullptr ? "unknown error" : why));
  }
  auto get_function_list =
      reinterpret_cast<CK_C_GetFunctionList>(dlsym(library.get(), "C_GetFunctionList"));
  if (get_function_list == nullptr) {
    return absl::NotFoundError(
        absl::StrCat(path, " is not a PKCS#11 module: it has no C_GetFunctionList"));
  }
  CK_FUNCTION_LIST* functions = nullptr;
  RETURN_IF_ERROR(CkStatus(get_function_list(&functions), "C_GetFunctionList"));
  if (functions == nullptr) {
    return absl::NotFoundError(
        absl::StrCat(path, " is not a PKCS#11 module: its C_GetFunctionList gives no functions"));
  }

  ASSIGN_OR_RETURN(Context context, Initialise(path, *functions));
  ModuleInstance instance;
  if (context != nullptr) {
    ASSIGN_OR_RETURN(instance, InitialiseOwnInstance(*functions));
    ApplyQuirks(*functions);
  }
  return std::unique_ptr<Module>(
      new Module(std::move(library), std::move(context), std::move(instance), functions));
}

absl::StatusOr<Module::Context> Module::Initialise(const std::string& path,
                                                   const CK_FUNCTION_LIST& functions) {
  MutexLock lock(&LoadMutex());
  ASSIGN_OR_RETURN(const bool in_use, IsInUse(functions));
  if (in_use) return nullptr;
  PKCS11_CTX* context = PKCS11_CTX_new();
  if (context == nullptr) return absl::ResourceExhaustedError("out of memory");
  if (PKCS11_CTX_load(context, path.c_str()) != 0) {
    PKCS11_CTX_free(context);
    return OpensslError(absl::StrCat("cannot initialise the PKCS#11 module ", path));
  }
  return Context(context);
}

absl::StatusOr<std::vector<Module::PresentToken>> Module::Tokens() const {
  ASSIGN_OR_RETURN(const std::vector<CK_SLOT_ID> slots, SlotsWithToken(*functions_));
  std::vector<PresentToken> tokens;
  for (const CK_SLOT_ID slot : slots) {
    PresentToken token{slot, {}};
    const CK_RV rv = functions_->C_GetTokenInfo(slot, &token.info);
    // Taken out since, or none that the module knows.
    if (rv == CKR_TOKEN_NOT_PRESENT || rv == CKR_TOKEN_NOT_RECOGNIZED) continue;
    RETURN_IF_ERROR(CkStatus(rv, "C_GetTokenInfo"));
    if ((token.info.flags & CKF_TOKEN_INITIALIZED) != 0) tokens.push_back(token);
  }
  return tokens;
}

absl::StatusOr<CK_SLOT_ID> Module::FindToken(absl::FunctionRef<bool(const CK_TOKEN_INFO&)> matches,
                                             absl::string_view what) const {
  ASSIGN_OR_RETURN(const std::vector<PresentToken> tokens, Tokens());
  std::vector<CK_SLOT_ID> matching;
  std::set<std::string> labels;
  for (const PresentToken& token : tokens) {
    labels.emplace(PaddedText(token.info.label));
    if (matches(token.info)) matching.push_back(token.slot);
  }
  if (matching.size() == 1) return matching.front();
  if (matching.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no token matches ", what, "; the module has ",
                     labels.empty() ? "no initialised token (with SoftHSM2, SOFTHSM2_CONF must "
                                      "name the token's softhsm2.conf)"
                                    : absl::StrJoin(labels, ", ")));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      matching.size(), " tokens match ", what, "; add ;serial=… to the URI so that it names one"));
}

absl::StatusOr<CK_SLOT_ID> Module::FindToken(const TokenUri& uri) const {
  return FindToken([&uri](const CK_TOKEN_INFO& token) { return uri.Matches(token); }, uri.text());
}

absl::StatusOr<CK_SLOT_ID> Module::FindToken(const ObjectUri& uri) const {
  return FindToken([&uri](const CK_TOKEN_INFO& token) { return uri.MatchesToken(token); },
                   "the URI");
}

}  // namespace keyward::pkcs11
