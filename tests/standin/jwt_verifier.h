// Reading and verifying a JWT bearer assertion.
//
// Written from the RFCs with OpenSSL alone and deliberately shares no code with
// what signs: a mistake that both sides made together would go unseen.
#ifndef KEYWARD_TESTS_STANDIN_JWT_VERIFIER_H_
#define KEYWARD_TESTS_STANDIN_JWT_VERIFIER_H_

#include <openssl/evp.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::standin {

// An assertion that is well formed; nothing in it is verified yet.
struct Jwt {
  // The header's `alg`, empty when it is absent or not a string.
  std::string algorithm;
  // The header's `kid`, likewise.
  std::string key_id;
  // A claim that is absent or of another type is nullopt: an `aud` that is an
  // array, an `exp` that is a fraction or a string.
  std::optional<std::string> issuer;
  std::optional<std::string> subject;
  std::optional<std::string> audience;
  // The number as it stands. NumericDate (RFC 7519 section 2) is in seconds;
  // one above int64's largest is that largest.
  std::optional<int64_t> expiry;
  // What is signed (RFC 7515 section 5.1): header and payload as received.
  std::string signing_input;
  std::string signature;
};

// Reads the compact serialization (RFC 7515 section 7.1): three base64url parts
// in the one canonical form without padding, header and claims JSON objects in
// UTF-8 with unique names, no `crit`. INVALID_ARGUMENT otherwise; the message
// never quotes the assertion.
absl::StatusOr<Jwt> ParseJwt(absl::string_view compact);

// True when the signature is RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section
// 3.3) by the private half of `public_key`. Thread-safe, also for one key.
bool VerifyRs256(const Jwt& jwt, EVP_PKEY* public_key);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_JWT_VERIFIER_H_
