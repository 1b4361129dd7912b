#include "keystore/provider/token_cache.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/cryptoki_types.h"
#include "keystore/pkcs11/slot_list.h"
#include "keystore/provider/provider_context.h"
#include "keystore/provider/provider_error.h"

namespace keyward::provider {
namespace {

using TokenFilter = std::function<bool(const CK_TOKEN_INFO&)>;

struct FoundToken {
  CK_SLOT_ID slot;
  CK_TOKEN_INFO info;
};

absl::StatusOr<std::vector<FoundToken>> Tokens(const CK_FUNCTION_LIST& functions) {
  ASSIGN_OR_RETURN(const std::vector<CK_SLOT_ID> slots, pkcs11::SlotsWithToken(functions));
  std::vector<FoundToken> tokens;
  for (const CK_SLOT_ID slot : slots) {
    FoundToken token{slot, {}};
    // A slot that does not answer may be another application's.
    if (functions.C_GetTokenInfo(slot, &token.info) == CKR_OK &&
        (token.info.flags & CKF_TOKEN_INITIALIZED) != 0) {
      tokens.push_back(token);
    }
  }
  return tokens;
}

// Which token is meant where the URI does not say it.
absl::StatusOr<TokenFilter> ConfiguredToken(const std::string& token) {
  if (token.empty()) return [](const CK_TOKEN_INFO&) { return true; };
  if (!absl::StartsWith(token, "pkcs11:")) {
    return [token](const CK_TOKEN_INFO& info) { return pkcs11::PaddedText(info.label) == token; };
  }
  absl::StatusOr<pkcs11::ObjectUri> uri = pkcs11::ObjectUri::Parse(token);
  if (!uri.ok()) {
    return ProviderError(Reason::kConfigurationInvalid,
                         absl::StrCat("the setting token: ", uri.status().message()), uri.status());
  }
  auto shared = std::make_shared<pkcs11::ObjectUri>(*std::move(uri));
  return [shared](const CK_TOKEN_INFO& info) { return shared->MatchesToken(info); };
}

absl::StatusOr<FoundToken> FindToken(const SharedModule& module, const TokenFilter& wanted) {
  ASSIGN_OR_RETURN(const std::vector<FoundToken> tokens, Tokens(module.functions()));
  std::vector<FoundToken> matching;
  std::vector<std::string> labels;
  for (const FoundToken& token : tokens) {
    labels.emplace_back(pkcs11::PaddedText(token.info.label));
    if (wanted(token.info)) matching.push_back(token);
  }
  if (matching.size() == 1) return matching.front();
  const std::string there =
      labels.empty() ? std::string(
                           "no initialised token (with SoftHSM2, SOFTHSM2_CONF must name "
                           "the token's softhsm2.conf)")
                     : absl::StrJoin(labels, ", ");
  if (matching.empty()) {
    return ProviderError(Reason::kTokenNotFound,
                         absl::StrCat("no token is the one that the URI or the configuration "
                                      "names; the module ",
                                      module.path(), " has ", there));
  }
  return ProviderError(Reason::kTokenAmbiguous,
                       absl::StrCat(matching.size(), " tokens of ", there,
                                    " match; add token= or serial= to the URI"));
}

absl::StatusOr<std::string> ModulePath(const Settings& settings, const pkcs11::ObjectUri& uri) {
  const std::string path = uri.module_path().value_or(settings.module);
  if (path.empty()) {
    return ProviderError(
        Reason::kConfigurationInvalid,
        "no PKCS#11 module: set pkcs11-module in the provider's section of openssl.cnf, "
        "or add ?module-path= to the URI");
  }
  return path;
}

}  // namespace

TokenCache::~TokenCache() {
  const MutexLock lock(&mutex_);
  SharedModule::Release(std::move(tokens_), std::move(modules_));
}

absl::StatusOr<std::shared_ptr<TokenAccess>> TokenCache::Open(const Settings& settings,
                                                              const pkcs11::ObjectUri& uri) {
  ASSIGN_OR_RETURN(const std::string path, ModulePath(settings, uri));
  TokenFilter wanted = [&uri](const CK_TOKEN_INFO& info) { return uri.MatchesToken(info); };
  if (!uri.NamesToken()) {
    ASSIGN_OR_RETURN(wanted, ConfiguredToken(settings.token));
  }
  const MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(std::shared_ptr<SharedModule> module, SharedModule::Get(path));
  // Kept even if it has no such token: Release() lets go of it.
  if (std::find(modules_.begin(), modules_.end(), module) == modules_.end()) {
    modules_.push_back(module);
  }
  RETURN_IF_ERROR(module->EnterProcess());
  ASSIGN_OR_RETURN(const FoundToken found, FindToken(*module, wanted));
  std::shared_ptr<TokenAccess> token = module->Token(found.slot, found.info);
  if (std::find(tokens_.begin(), tokens_.end(), token) == tokens_.end()) tokens_.push_back(token);
  return token;
}

}  // namespace keyward::provider
