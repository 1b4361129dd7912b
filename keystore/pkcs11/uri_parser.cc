#include "keystore/pkcs11/uri_parser.h"

#include <p11-kit/uri.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace keyward::pkcs11 {

void FreeParsedUri::operator()(p11_kit_uri* uri) const { p11_kit_uri_free(uri); }

absl::StatusOr<ParsedUri> ParseUri(const std::string& text, const char* example) {
  ParsedUri uri(p11_kit_uri_new());
  if (uri == nullptr) return absl::ResourceExhaustedError("out of memory");
  // p11-kit would stop at a zero byte and take what is before it.
  const int result = text.find('\0') != std::string::npos
                         ? P11_KIT_URI_BAD_SYNTAX
                         : p11_kit_uri_parse(text.c_str(), P11_KIT_URI_FOR_ANY, uri.get());
  if (result != P11_KIT_URI_OK) {
    return absl::InvalidArgumentError(
        absl::StrCat("not an RFC 7512 URI (", p11_kit_uri_message(result), "); write ", example));
  }
  return uri;
}

bool NamesToken(const ParsedUri& uri) {
  const CK_TOKEN_INFO* wanted = p11_kit_uri_get_token_info(uri.get());
  return wanted->label[0] != 0 || wanted->serialNumber[0] != 0 || wanted->manufacturerID[0] != 0 ||
         wanted->model[0] != 0;
}

bool MatchesToken(const ParsedUri& uri, const CK_TOKEN_INFO& token) {
  return p11_kit_uri_match_token_info(uri.get(), &token) != 0;
}

}  // namespace keyward::pkcs11
