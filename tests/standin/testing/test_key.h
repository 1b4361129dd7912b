// Key pairs, certificates and assertions for the stand-in's tests, made with
// OpenSSL alone.
#ifndef KEYWARD_TESTS_STANDIN_TESTING_TEST_KEY_H_
#define KEYWARD_TESTS_STANDIN_TESTING_TEST_KEY_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/openssl.h"

namespace keyward::testing {

// A key pair with a self-signed certificate for localhost and 127.0.0.1, valid
// from a day ago for ten days.
struct TestKey {
  EvpPkeyPtr key;
  std::string key_pem;
  std::string certificate_pem;
  std::string certificate_der;
};

// `comment` goes into the certificate, for one of a certain size.
TestKey NewRsaKey(int bits = 2048, absl::string_view comment = "");
// P-256.
TestKey NewEcKey();

// The compact JWS of `header` and `claims` as they are given, RS256 by `key`.
std::string SignJwt(absl::string_view header, absl::string_view claims, EVP_PKEY* key);

// Any other digest ("SHA384") or, with `pss`, RSASSA-PSS.
std::string SignJwtWith(absl::string_view header, absl::string_view claims, EVP_PKEY* key,
                        const char* digest, bool pss);

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_STANDIN_TESTING_TEST_KEY_H_
