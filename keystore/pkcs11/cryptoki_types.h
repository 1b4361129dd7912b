// Between Cryptoki's structures and text.
#ifndef KEYWARD_KEYSTORE_PKCS11_CRYPTOKI_TYPES_H_
#define KEYWARD_KEYSTORE_PKCS11_CRYPTOKI_TYPES_H_

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "keystore/pkcs11/cryptoki.h"

namespace keyward::pkcs11 {

// Fixed-length, blank-padded text of a CK_INFO or CK_TOKEN_INFO (PKCS#11 sections 3.1
// and 3.2), without its padding. Valid as long as `field`.
template <size_t kSize>
absl::string_view PaddedText(const CK_UTF8CHAR (&field)[kSize]) {
  return absl::StripTrailingAsciiWhitespace(
      absl::string_view(reinterpret_cast<const char*>(field), kSize));
}

// An entry of a template for the module to read. It takes values as non-const and
// changes none (PKCS#11 section 5.7).
inline CK_ATTRIBUTE BytesAttribute(CK_ATTRIBUTE_TYPE type, absl::string_view value) {
  return {type, const_cast<char*>(value.data()), static_cast<CK_ULONG>(value.size())};
}

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_CRYPTOKI_TYPES_H_
