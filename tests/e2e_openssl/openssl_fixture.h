// The openssl command with keyward.so and a token, and the same command without.
#ifndef KEYWARD_TESTS_E2E_OPENSSL_OPENSSL_FIXTURE_H_
#define KEYWARD_TESTS_E2E_OPENSSL_OPENSSL_FIXTURE_H_

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "tests/testing/softhsm.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/temp_dir.h"

namespace keyward {

using Arguments = std::vector<std::string>;

// A key pair of the token.
struct TokenKey {
  std::string label;
  std::string id;
  // As pkcs11-tool has it.
  std::string type;
  // What openssl must be told wherever it would choose PKCS#1 v1.5.
  bool pss_alone = false;

  std::string Uri() const { return "pkcs11:object=" + label + ";type=private"; }
};
const TokenKey& Rsa();
const TokenKey& Pss();
const TokenKey& Ec256();
const TokenKey& Ec384();
std::vector<TokenKey> AllKeys();
void PrintTo(const TokenKey& key, std::ostream* out);

// A SoftHSM token "web" with those keys, made by pkcs11-tool, and an openssl.cnf with
// the PIN in a file. Each command runs in a process of its own; where one prints the
// PIN the test fails.
class OpensslTest : public ::testing::Test {
 protected:
  OpensslTest();

  std::string File(absl::string_view name) const { return files_.File(name); }
  std::string Write(absl::string_view name, absl::string_view contents) const;
  static std::string Read(const std::string& file);

  // openssl.cnf whose [providers] are in this order and keyward's section this.
  std::string Configuration(absl::string_view name, absl::string_view providers,
                            absl::string_view settings) const;
  // The lines of keyward's section that every test has.
  static std::string Settings();
  // Settings() with the right PIN, default first. What the tests use unless they say
  // otherwise.
  std::string configuration() const { return File("openssl.cnf"); }

  // `openssl ARGUMENTS` with keyward.so, as `configuration` says.
  testing::Finished Openssl(const Arguments& arguments, const std::string& input = "") const;
  testing::Finished OpensslAs(const std::string& configuration, const Arguments& arguments,
                              const std::string& input = "") const;
  // `openssl ARGUMENTS` with OpenSSL's own code alone, and no token.
  static testing::Finished Software(const Arguments& arguments, const std::string& input = "");
  // Their standard output; the test fails where they do.
  std::string Do(const Arguments& arguments, const std::string& input = "") const;
  static std::string DoInSoftware(const Arguments& arguments, const std::string& input = "");

  // `pkcs11-tool ARGUMENTS`, logged in.
  static testing::Finished Pkcs11Tool(const Arguments& arguments);

  // A file with the public key.
  std::string PublicKey(const TokenKey& key) const;
  // A file with a certificate for the key, signed by itself, for a server at
  // localhost, a CA, and S/MIME.
  std::string Certificate(const TokenKey& key) const;
  // The same on the token, beside the key.
  void StoreCertificate(const TokenKey& key) const;
  // A software key, the file's name.
  std::string SoftwareKey(const std::string& name) const;

  static testing::Environment KeywardEnvironment(const std::string& configuration);

  testing::SoftHsm softhsm_;
  testing::TempDir files_;
};

}  // namespace keyward

#endif  // KEYWARD_TESTS_E2E_OPENSSL_OPENSSL_FIXTURE_H_
