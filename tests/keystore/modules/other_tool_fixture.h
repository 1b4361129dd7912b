// A key pair of ours on a SoftHSM token, for programs that know nothing of Keyward.
#ifndef KEYWARD_TESTS_KEYSTORE_MODULES_OTHER_TOOL_FIXTURE_H_
#define KEYWARD_TESTS_KEYSTORE_MODULES_OTHER_TOOL_FIXTURE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/openssl.h"
#include "tests/keystore/pkcs11/token_fixture.h"
#include "tests/testing/temp_dir.h"

namespace keyward::pkcs11 {

class OtherToolTest : public TokenTest {
 protected:
  // Makes the pair and closes the token: the module is not loaded here any more.
  OtherToolTest();

  const std::string& key_id() const { return key_id_; }
  const EVP_PKEY& public_key() const { return *public_key_; }

  // RFC 7512 URI of one of the pair's halves, `type` "private" or "public".
  std::string Uri(absl::string_view type) const;

  // Writes it as PEM, as a SubjectPublicKeyInfo.
  void WritePublicKey(const std::string& file) const;

  // Whether openssl, given the public key, finds that `signature_file` holds the RSA
  // PKCS#1 v1.5 signature with SHA-256 of what is in `message_file`.
  void ExpectOpensslVerifies(const std::string& message_file,
                             const std::string& signature_file) const;

  // Files of the test's own, gone after it.
  testing::TempDir files_;

 private:
  std::string key_id_;
  EvpPkeyPtr public_key_;
};

}  // namespace keyward::pkcs11

#endif  // KEYWARD_TESTS_KEYSTORE_MODULES_OTHER_TOOL_FIXTURE_H_
