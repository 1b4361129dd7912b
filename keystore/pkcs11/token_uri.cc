#include "keystore/pkcs11/token_uri.h"

#include <p11-kit/uri.h>

#include <utility>

#include "common/status_macros.h"

namespace keyward::pkcs11 {

TokenUri::TokenUri(std::string text, ParsedUri uri)
    : text_(std::move(text)), uri_(std::move(uri)) {}

absl::StatusOr<TokenUri> TokenUri::Parse(const std::string& text) {
  ASSIGN_OR_RETURN(ParsedUri uri, ParseUri(text, "pkcs11:token=LABEL"));
  if (p11_kit_uri_get_pin_value(uri.get()) != nullptr ||
      p11_kit_uri_get_pin_source(uri.get()) != nullptr) {
    return absl::InvalidArgumentError("the URI names a PIN; give it under token.pin instead");
  }
  if (p11_kit_uri_get_module_path(uri.get()) != nullptr ||
      p11_kit_uri_get_module_name(uri.get()) != nullptr) {
    return absl::InvalidArgumentError("the URI names a module; give it under token.module instead");
  }
  CK_ULONG attributes = 0;
  p11_kit_uri_get_attributes(uri.get(), &attributes);
  if (attributes != 0) {
    return absl::InvalidArgumentError("the URI names an object; only a token is wanted here");
  }
  if (p11_kit_uri_any_unrecognized(uri.get()) != 0) {
    return absl::InvalidArgumentError(
        "the URI has an attribute that RFC 7512 does not know; use token, serial, manufacturer or "
        "model");
  }
  if (!NamesToken(uri)) {
    return absl::InvalidArgumentError("the URI names no token; write pkcs11:token=LABEL");
  }
  return TokenUri(text, std::move(uri));
}

bool TokenUri::Matches(const CK_TOKEN_INFO& token) const { return MatchesToken(uri_, token); }

}  // namespace keyward::pkcs11
