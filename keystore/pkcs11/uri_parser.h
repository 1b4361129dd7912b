// p11-kit's RFC 7512 parser, for the kinds of URI that Keyward takes.
#ifndef KEYWARD_KEYSTORE_PKCS11_URI_PARSER_H_
#define KEYWARD_KEYSTORE_PKCS11_URI_PARSER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "keystore/pkcs11/cryptoki.h"

struct p11_kit_uri;

namespace keyward::pkcs11 {

struct FreeParsedUri {
  void operator()(p11_kit_uri* uri) const;
};
using ParsedUri = std::unique_ptr<p11_kit_uri, FreeParsedUri>;

// Parses any pkcs11: URI. INVALID_ARGUMENT, with p11-kit's reason and `example`
// of what to write instead; the text is never repeated, as it may hold a PIN.
absl::StatusOr<ParsedUri> ParseUri(const std::string& text, const char* example);

// Whether the URI has token, serial, manufacturer or model.
bool NamesToken(const ParsedUri& uri);

// Whether every such attribute of the URI is this token's.
bool MatchesToken(const ParsedUri& uri, const CK_TOKEN_INFO& token);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_URI_PARSER_H_
