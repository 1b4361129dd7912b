#include "keystore/provider/object_loader.h"

#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/object_finder.h"
#include "keystore/provider/pin.h"
#include "keystore/provider/provider_error.h"
#include "keystore/provider/token_key.h"

namespace keyward::provider {
namespace {

constexpr CK_OBJECT_CLASS kClasses[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE};

const char* NameOf(std::optional<CK_OBJECT_CLASS> object_class) {
  switch (object_class.value_or(CKO_VENDOR_DEFINED)) {
    case CKO_PRIVATE_KEY:
      return "private key";
    case CKO_PUBLIC_KEY:
      return "public key";
    case CKO_CERTIFICATE:
      return "certificate";
    default:
      return "key or certificate";
  }
}

// CKA_ALLOWED_MECHANISMS, if the token has it, says what a key may do.
bool SignsWithPssAlone(const pkcs11::Session& session, CK_OBJECT_HANDLE key) {
  const absl::StatusOr<std::string> allowed =
      pkcs11::ReadBytes(session, key, CKA_ALLOWED_MECHANISMS);
  if (!allowed.ok() || allowed->empty() || allowed->size() % sizeof(CK_MECHANISM_TYPE) != 0) {
    return false;
  }
  std::vector<CK_MECHANISM_TYPE> mechanisms(allowed->size() / sizeof(CK_MECHANISM_TYPE));
  memcpy(mechanisms.data(), allowed->data(), allowed->size());
  for (const CK_MECHANISM_TYPE mechanism : mechanisms) {
    if (mechanism != CKM_RSA_PKCS_PSS && mechanism != CKM_SHA256_RSA_PKCS_PSS &&
        mechanism != CKM_SHA384_RSA_PKCS_PSS && mechanism != CKM_SHA512_RSA_PKCS_PSS) {
      return false;
    }
  }
  return true;
}

// Both from the object itself: what the URI left open must not be open later.
absl::StatusOr<pkcs11::ObjectTemplate> TemplateOf(const pkcs11::Session& session,
                                                  CK_OBJECT_HANDLE key) {
  pkcs11::ObjectTemplate wanted{.object_class = CKO_PRIVATE_KEY};
  ASSIGN_OR_RETURN(wanted.label, pkcs11::IfAnswered(pkcs11::ReadBytes(session, key, CKA_LABEL)));
  ASSIGN_OR_RETURN(wanted.id, pkcs11::IfAnswered(pkcs11::ReadBytes(session, key, CKA_ID)));
  return wanted;
}

// A key that wants the PIN for each signature cannot be used by a server.
absl::Status CheckNoPinPerUse(const pkcs11::Session& session, CK_OBJECT_HANDLE key) {
  ASSIGN_OR_RETURN(const auto always,
                   pkcs11::IfAnswered(pkcs11::ReadBool(session, key, CKA_ALWAYS_AUTHENTICATE)));
  if (!always.value_or(false)) return absl::OkStatus();
  return ProviderError(Reason::kKeyUnsupported,
                       "the key wants the PIN again for each signature "
                       "(CKA_ALWAYS_AUTHENTICATE), which keyward does not do");
}

absl::Status CheckNamesKeyAlone(const pkcs11::ObjectUri& uri) {
  if (!uri.module_path() && !uri.pin_source() && !uri.pin_value()) return absl::OkStatus();
  return ProviderError(Reason::kUriInvalid,
                       "a file in place of a key names the key alone: take module-path, pin-source "
                       "and pin-value out of its URI, and set pkcs11-module and pin-source in the "
                       "provider's section of openssl.cnf");
}

}  // namespace

ObjectLoader::ObjectLoader(const ProviderContext& provider, pkcs11::ObjectUri uri,
                           std::shared_ptr<TokenAccess> token)
    : provider_(&provider), uri_(std::move(uri)), token_(std::move(token)) {}

absl::StatusOr<std::unique_ptr<ObjectLoader>> ObjectLoader::Open(const ProviderContext& provider,
                                                                 const std::string& uri,
                                                                 UriOrigin origin) {
  const QuietQueue quiet;
  RETURN_IF_ERROR(provider.order());
  absl::StatusOr<pkcs11::ObjectUri> parsed = pkcs11::ObjectUri::Parse(uri);
  if (!parsed.ok()) {
    return ProviderError(Reason::kUriInvalid, parsed.status().message(), parsed.status());
  }
  if (origin == UriOrigin::kFile) RETURN_IF_ERROR(CheckNamesKeyAlone(*parsed));
  ASSIGN_OR_RETURN(std::shared_ptr<TokenAccess> token,
                   provider.tokens().Open(provider.settings(), *parsed));
  ASSIGN_OR_RETURN(const std::optional<Pin> pin, ReadPin(*parsed, provider.settings().pin_source));
  if (pin) RETURN_IF_ERROR(token->LogIn(*pin));
  return std::unique_ptr<ObjectLoader>(
      new ObjectLoader(provider, *std::move(parsed), std::move(token)));
}

absl::Status ObjectLoader::Select(std::optional<CK_OBJECT_CLASS> wanted) {
  const QuietQueue quiet;
  objects_.clear();
  if (wanted && uri_.object_class() && *wanted != *uri_.object_class()) {
    return ProviderError(Reason::kObjectWrongType,
                         absl::StrCat("a ", NameOf(wanted), " is needed here, and the URI names a ",
                                      NameOf(uri_.object_class()), "; change its type="));
  }
  const std::optional<CK_OBJECT_CLASS> only = wanted ? wanted : uri_.object_class();
  return WithSession(*token_,
                     [&](const SessionLease& lease) { return Fill(lease.session(), only); });
}

absl::Status ObjectLoader::Fill(const pkcs11::Session& session,
                                std::optional<CK_OBJECT_CLASS> only) {
  objects_.clear();
  ASSIGN_OR_RETURN(const std::vector<Found> all, Search(session, only));
  for (const Found& found : all) {
    absl::StatusOr<LoadedObject> object = Load(session, found);
    if (pkcs11::IsSessionFatal(object.status())) return object.status();
    const bool left_out =
        !object.ok() && !NamesOne() && ReasonOfProvider(object.status()) == Reason::kKeyUnsupported;
    if (!left_out) objects_.push_back(std::move(object));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ObjectLoader::Found>> ObjectLoader::Search(
    const pkcs11::Session& session, std::optional<CK_OBJECT_CLASS> only) const {
  std::vector<Found> all;
  for (const CK_OBJECT_CLASS object_class : kClasses) {
    if (only && *only != object_class) continue;
    RETURN_IF_ERROR(SearchClass(session, object_class, all));
  }
  // Whoever can verify with a private key object has its public half too.
  if (all.empty() && only == CKO_PUBLIC_KEY && NamesOne()) {
    RETURN_IF_ERROR(SearchClass(session, CKO_PRIVATE_KEY, all));
    for (Found& found : all) found.object_class = CKO_PUBLIC_KEY;
  }
  if (all.empty() && (NamesOne() || only)) return NothingFound(session, only);
  return all;
}

absl::Status ObjectLoader::SearchClass(const pkcs11::Session& session, CK_OBJECT_CLASS object_class,
                                       std::vector<Found>& found) const {
  const pkcs11::ObjectTemplate wanted{
      .object_class = object_class, .label = uri_.object(), .id = uri_.id()};
  ASSIGN_OR_RETURN(const std::vector<CK_OBJECT_HANDLE> handles,
                   pkcs11::FindObjects(session, wanted));
  if (NamesOne() && handles.size() > 1) {
    return ProviderError(
        Reason::kObjectAmbiguous,
        absl::StrCat(handles.size(), " objects match as ", NameOf(object_class), " on the token \"",
                     token_->label(), "\"; add id= to the URI so that it names one"));
  }
  for (const CK_OBJECT_HANDLE handle : handles) found.push_back({object_class, handle});
  return absl::OkStatus();
}

absl::Status ObjectLoader::NothingFound(const pkcs11::Session& session,
                                        std::optional<CK_OBJECT_CLASS> wanted) const {
  if (wanted.value_or(CKO_PRIVATE_KEY) == CKO_PRIVATE_KEY && !session.CheckLoggedIn().ok()) {
    return ProviderError(Reason::kPinNeeded,
                         absl::StrCat("without a PIN the token \"", token_->label(),
                                      "\" shows no private key; add ?pin-source=file:/path to the "
                                      "URI, or set pin-source in openssl.cnf"));
  }
  ASSIGN_OR_RETURN(const std::vector<CK_OBJECT_HANDLE> others,
                   pkcs11::FindObjects(session, {.label = uri_.object(), .id = uri_.id()}));
  if (!others.empty() && NamesOne()) {
    return ProviderError(Reason::kObjectWrongType,
                         absl::StrCat("what the URI names on the token \"", token_->label(),
                                      "\" is not a ", NameOf(wanted)));
  }
  return ProviderError(Reason::kObjectNotFound,
                       absl::StrCat("the token \"", token_->label(), "\" has no ", NameOf(wanted),
                                    NamesOne() ? " with this object= and id=" : "",
                                    "; see what it has with openssl storeutl -text pkcs11:"));
}

absl::StatusOr<std::optional<LoadedObject>> ObjectLoader::Next() {
  if (objects_.empty()) return std::optional<LoadedObject>();
  absl::StatusOr<LoadedObject> object = std::move(objects_.front());
  objects_.pop_front();
  if (!object.ok()) return object.status();
  return std::optional<LoadedObject>(*std::move(object));
}

absl::StatusOr<LoadedObject> ObjectLoader::Load(const pkcs11::Session& session,
                                                const Found& found) const {
  LoadedObject object;
  if (found.object_class == CKO_CERTIFICATE) {
    ASSIGN_OR_RETURN(object.certificate, pkcs11::ReadBytes(session, found.handle, CKA_VALUE));
  } else {
    ASSIGN_OR_RETURN(object.key, LoadKey(session, found));
  }
  return object;
}

absl::StatusOr<std::unique_ptr<Key>> ObjectLoader::LoadKey(const pkcs11::Session& session,
                                                           const Found& found) const {
  absl::StatusOr<pkcs11::PublicKeyValue> value = pkcs11::ReadPublicKey(session, found.handle);
  if (!value.ok()) {
    if (pkcs11::CkRvOf(value.status())) return value.status();
    return ProviderError(Reason::kKeyUnsupported, value.status().message(), value.status());
  }
  auto key = std::make_unique<Key>();
  key->provider = provider_;
  key->type = value->type == CKK_EC ? KeyType::kEc : KeyType::kRsa;
  if (key->type == KeyType::kRsa && SignsWithPssAlone(session, found.handle)) {
    key->type = KeyType::kRsaPss;
  }
  ASSIGN_OR_RETURN(key->public_key, PublicKeyFromToken(*provider_, key->type, *value));
  if (found.object_class != CKO_PRIVATE_KEY) return key;
  RETURN_IF_ERROR(CheckNoPinPerUse(session, found.handle));
  ASSIGN_OR_RETURN(pkcs11::ObjectTemplate wanted, TemplateOf(session, found.handle));
  const auto bits = static_cast<size_t>(EVP_PKEY_get_bits(key->public_key.get()));
  const size_t bytes = (bits + 7) / 8;
  key->private_key = std::make_shared<TokenKey>(token_, std::move(wanted), *std::move(value),
                                                key->type == KeyType::kEc ? 2 * bytes : bytes);
  return key;
}

}  // namespace keyward::provider
