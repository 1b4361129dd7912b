#include "keystore/pkcs11/module.h"

#include <dlfcn.h>
#include <libp11.h>

#include <set>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"

namespace keyward::pkcs11 {
namespace {

// Fixed-length, blank-padded text of a CK_TOKEN_INFO (PKCS#11 section 3.2).
std::string LabelOf(const CK_TOKEN_INFO& token) {
  return std::string(absl::StripTrailingAsciiWhitespace(
      absl::string_view(reinterpret_cast<const char*>(token.label), sizeof(token.label))));
}

}  // namespace

void Module::CloseLibrary::operator()(void* library) const { dlclose(library); }

void Module::UnloadContext::operator()(PKCS11_ctx_st* context) const {
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
  // too: the loader gives both of us the same one.
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

  PKCS11_CTX* loaded = PKCS11_CTX_new();
  if (loaded == nullptr) return absl::ResourceExhaustedError("out of memory");
  if (PKCS11_CTX_load(loaded, path.c_str()) != 0) {
    PKCS11_CTX_free(loaded);
    return OpensslError(absl::StrCat("cannot initialise the PKCS#11 module ", path));
  }
  Context context(loaded);
  ASSIGN_OR_RETURN(ModuleInstance instance, InitialiseOwnInstance(*functions));
  ApplyQuirks(*functions);
  return std::unique_ptr<Module>(
      new Module(std::move(library), std::move(context), std::move(instance), functions));
}

absl::StatusOr<std::vector<CK_SLOT_ID>> Module::SlotsWithTokens() const {
  PKCS11_SLOT* slots = nullptr;
  unsigned int count = 0;
  if (PKCS11_enumerate_slots(context_.get(), &slots, &count) != 0) {
    return OpensslError("cannot list the module's slots");
  }
  absl::Cleanup release = [&] { PKCS11_release_all_slots(context_.get(), slots, count); };
  std::vector<CK_SLOT_ID> ids;
  for (unsigned int i = 0; i < count; ++i) {
    const PKCS11_TOKEN* token = slots[i].token;
    if (token != nullptr && token->initialized != 0) {
      ids.push_back(PKCS11_get_slotid_from_slot(&slots[i]));
    }
  }
  return ids;
}

absl::StatusOr<CK_SLOT_ID> Module::FindToken(const TokenUri& uri) const {
  ASSIGN_OR_RETURN(const std::vector<CK_SLOT_ID> slots, SlotsWithTokens());
  std::vector<CK_SLOT_ID> matching;
  std::set<std::string> labels;
  for (const CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO info{};
    RETURN_IF_ERROR(CkStatus(functions_->C_GetTokenInfo(slot, &info), "C_GetTokenInfo"));
    labels.insert(LabelOf(info));
    if (uri.Matches(info)) matching.push_back(slot);
  }
  if (matching.size() == 1) return matching.front();
  if (matching.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no token matches ", uri.text(), "; the module has ",
                     labels.empty() ? "no initialised token (with SoftHSM2, SOFTHSM2_CONF must "
                                      "name the token's softhsm2.conf)"
                                    : absl::StrJoin(labels, ", ")));
  }
  return absl::FailedPreconditionError(
      absl::StrCat(matching.size(), " tokens match ", uri.text(),
                   "; add ;serial=… to the URI so that it names one"));
}

}  // namespace keyward::pkcs11
