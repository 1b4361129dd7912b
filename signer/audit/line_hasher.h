// SHA-256 of one line after the other.
#ifndef KEYWARD_SIGNER_AUDIT_LINE_HASHER_H_
#define KEYWARD_SIGNER_AUDIT_LINE_HASHER_H_

#include <array>

#include "absl/strings/string_view.h"
#include "common/openssl.h"

namespace keyward::signer {

// 64 lower-case hexadecimal digits.
using HexDigest = std::array<char, 64>;

inline absl::string_view ViewOf(const HexDigest& digest) {
  return absl::string_view(digest.data(), digest.size());
}

// Keeps OpenSSL's context: SHA256() looks the algorithm up with each call, which takes as
// long as hashing a line. Not thread-safe.
class LineHasher {
 public:
  LineHasher();

  HexDigest Hash(absl::string_view line);

 private:
  const EvpMdCtxPtr context_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_LINE_HASHER_H_
