// Keys and certificates of a token, by URI.
#ifndef KEYWARD_KEYSTORE_PROVIDER_OBJECT_LOADER_H_
#define KEYWARD_KEYSTORE_PROVIDER_OBJECT_LOADER_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "keystore/pkcs11/object_uri.h"
#include "keystore/provider/key.h"
#include "keystore/provider/token_access.h"

namespace keyward::provider {

// One object: a key, or the DER of a certificate.
struct LoadedObject {
  std::unique_ptr<Key> key;
  std::string certificate;
};

// Who gave a URI. A program's may say which module is loaded into the process, and which
// file is read for the PIN. A file in place of a key may be anybody's: it names a key of
// the module in openssl.cnf, with the PIN from there.
enum class UriOrigin { kProgram, kFile };

// Goes through the objects that a URI names, or through all of the token's where it
// names none. Used by one thread at a time.
class ObjectLoader {
 public:
  // Parses the URI, finds the token and logs in, if there is a PIN. kWrongOrder,
  // kUriInvalid, the errors of TokenCache::Open(), ReadPin() and TokenAccess::LogIn().
  static absl::StatusOr<std::unique_ptr<ObjectLoader>> Open(const ProviderContext& provider,
                                                            const std::string& uri,
                                                            UriOrigin origin);

  // Searches and reads: what was found is good in its session alone. `wanted` is the
  // class that the caller can use, if not any. Where the URI names an object, it must be
  // there, once in each class: kObjectNotFound, kObjectAmbiguous, kObjectWrongType,
  // kPinNeeded. A lost session is replaced, once.
  absl::Status Select(std::optional<CK_OBJECT_CLASS> wanted);

  // The next object, nothing at the end. kKeyUnsupported for a key that was asked for
  // by name; in a list such keys are left out.
  absl::StatusOr<std::optional<LoadedObject>> Next();

  // Whether Next() has nothing more to look at.
  bool done() const { return objects_.empty(); }

  // type= of the URI.
  std::optional<CK_OBJECT_CLASS> uri_class() const { return uri_.object_class(); }

 private:
  struct Found {
    CK_OBJECT_CLASS object_class;
    CK_OBJECT_HANDLE handle;
  };

  ObjectLoader(const ProviderContext& provider, pkcs11::ObjectUri uri,
               std::shared_ptr<TokenAccess> token);

  // Whether the URI says which one is meant.
  bool NamesOne() const { return uri_.object().has_value() || uri_.id().has_value(); }
  // Both in one session; `only` is the class, if not any.
  absl::Status Fill(const pkcs11::Session& session, std::optional<CK_OBJECT_CLASS> only);
  absl::StatusOr<std::vector<Found>> Search(const pkcs11::Session& session,
                                            std::optional<CK_OBJECT_CLASS> only) const;
  absl::Status SearchClass(const pkcs11::Session& session, CK_OBJECT_CLASS object_class,
                           std::vector<Found>& found) const;
  absl::Status NothingFound(const pkcs11::Session& session,
                            std::optional<CK_OBJECT_CLASS> wanted) const;
  absl::StatusOr<LoadedObject> Load(const pkcs11::Session& session, const Found& found) const;
  absl::StatusOr<std::unique_ptr<Key>> LoadKey(const pkcs11::Session& session,
                                               const Found& found) const;

  const ProviderContext* provider_;
  pkcs11::ObjectUri uri_;
  std::shared_ptr<TokenAccess> token_;
  std::deque<absl::StatusOr<LoadedObject>> objects_;
};

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_OBJECT_LOADER_H_
