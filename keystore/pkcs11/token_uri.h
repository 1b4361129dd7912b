// A token's RFC 7512 URI: which token of a module is meant.
#ifndef KEYWARD_KEYSTORE_PKCS11_TOKEN_URI_H_
#define KEYWARD_KEYSTORE_PKCS11_TOKEN_URI_H_

#include <string>

#include "absl/status/statusor.h"
#include "keystore/pkcs11/cryptoki.h"
#include "keystore/pkcs11/uri_parser.h"

namespace keyward::pkcs11 {

class TokenUri {
 public:
  // Parses "pkcs11:token=…;serial=…;manufacturer=…;model=…", at least one of
  // them. INVALID_ARGUMENT for a URI that does not parse, and for one that says
  // more than which token: an object, a module or a PIN have their own settings,
  // and a PIN in a URI would be seen wherever the URI is shown.
  static absl::StatusOr<TokenUri> Parse(const std::string& text);

  // Whether every attribute of the URI is this token's.
  bool Matches(const CK_TOKEN_INFO& token) const;

  const std::string& text() const { return text_; }

 private:
  TokenUri(std::string text, ParsedUri uri);

  std::string text_;
  ParsedUri uri_;
};

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_TOKEN_URI_H_
