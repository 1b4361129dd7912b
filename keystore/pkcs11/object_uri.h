// RFC 7512 URIs of objects on a token.
#ifndef KEYWARD_KEYSTORE_PKCS11_OBJECT_URI_H_
#define KEYWARD_KEYSTORE_PKCS11_OBJECT_URI_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secret.h"
#include "keystore/pkcs11/cryptoki.h"
#include "keystore/pkcs11/object_finder.h"
#include "keystore/pkcs11/uri_parser.h"

namespace keyward::pkcs11 {

// A parsed URI: which objects of which token are meant, and how to get there.
// Move-only; immutable, so safe to read from several threads.
class ObjectUri {
 public:
  // Parses "pkcs11:token=…;serial=…;manufacturer=…;model=…;object=…;id=…;type=…"
  // with the queries module-path, pin-source and pin-value. All are optional.
  // INVALID_ARGUMENT for what does not parse; for an attribute that would be
  // left out of the search (slot-id, library-version, …); for a type other than
  // private, public and cert; for a module-path that is not absolute; for a pin-source that is
  // no file; and for both kinds of PIN at once. No message repeats the text.
  static absl::StatusOr<ObjectUri> Parse(const std::string& text);

  // Whether the URI says which token is meant.
  bool NamesToken() const;
  // Whether every attribute that says so is this token's.
  bool MatchesToken(const CK_TOKEN_INFO& token) const;

  // Whether it says which objects of the token: object, id or type.
  bool NamesObject() const;

  // object=, which is CKA_LABEL; id=, which is CKA_ID; type=.
  const std::optional<std::string>& object() const { return wanted_.label; }
  const std::optional<std::string>& id() const { return wanted_.id; }
  std::optional<CK_OBJECT_CLASS> object_class() const { return wanted_.object_class; }
  // The three as FindObjects() takes them.
  const ObjectTemplate& object_template() const { return wanted_; }

  // module-path=: absolute.
  const std::optional<std::string>& module_path() const { return module_path_; }
  // pin-source=: absolute path of the file, without its "file:".
  const std::optional<std::string>& pin_source() const { return pin_source_; }
  // pin-value=, a copy. Whoever has the URI has the PIN: pin-source is better.
  std::optional<Secret> pin_value() const;

 private:
  explicit ObjectUri(ParsedUri uri);
  absl::Status ReadPath();
  absl::Status ReadQuery();

  ParsedUri uri_;
  ObjectTemplate wanted_;
  std::optional<std::string> module_path_;
  std::optional<std::string> pin_source_;
  std::optional<Secret> pin_value_;
};

// The URI that leads to an object: its token's label, serial, manufacturer and model,
// and the object's own attributes; an empty `label` or `key_id` is left out.
std::string FormatObjectUri(const CK_TOKEN_INFO& token, absl::string_view label,
                            absl::string_view key_id, CK_OBJECT_CLASS object_class);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_OBJECT_URI_H_
