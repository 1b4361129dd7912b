#include "keystore/pkcs11/token_uri.h"

#include <p11-kit/uri.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace keyward::pkcs11 {

void TokenUri::Free::operator()(p11_kit_uri* uri) const { p11_kit_uri_free(uri); }

TokenUri::TokenUri(std::string text, std::unique_ptr<p11_kit_uri, Free> uri)
    : text_(std::move(text)), uri_(std::move(uri)) {}

absl::StatusOr<TokenUri> TokenUri::Parse(const std::string& text) {
  std::unique_ptr<p11_kit_uri, Free> uri(p11_kit_uri_new());
  if (uri == nullptr) return absl::ResourceExhaustedError("out of memory");
  const int result = p11_kit_uri_parse(text.c_str(), P11_KIT_URI_FOR_ANY, uri.get());
  // The text is not repeated in any message: it may hold a PIN by mistake.
  if (result != P11_KIT_URI_OK) {
    return absl::InvalidArgumentError(absl::StrCat(
        "not an RFC 7512 URI (", p11_kit_uri_message(result), "); write pkcs11:token=LABEL"));
  }
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
  const CK_TOKEN_INFO* wanted = p11_kit_uri_get_token_info(uri.get());
  if (wanted->label[0] == 0 && wanted->serialNumber[0] == 0 && wanted->manufacturerID[0] == 0 &&
      wanted->model[0] == 0) {
    return absl::InvalidArgumentError("the URI names no token; write pkcs11:token=LABEL");
  }
  return TokenUri(text, std::move(uri));
}

bool TokenUri::Matches(const CK_TOKEN_INFO& token) const {
  return p11_kit_uri_match_token_info(uri_.get(), &token) != 0;
}

}  // namespace keyward::pkcs11
