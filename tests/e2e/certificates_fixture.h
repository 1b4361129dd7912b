// A signer with the connection "acme", a CA made with the openssl command, and what
// other tools put on the token.
#ifndef KEYWARD_TESTS_E2E_CERTIFICATES_FIXTURE_H_
#define KEYWARD_TESTS_E2E_CERTIFICATES_FIXTURE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {

class CertificatesTest : public SignerTest {
 protected:
  CertificatesTest();

  testing::Finished Keyward(const std::vector<std::string>& arguments,
                            const std::string& client = "operator") const;

  // What the command prints; a failure of the test where it fails.
  std::string Do(const std::vector<std::string>& arguments) const;
  nlohmann::json DoJson(std::vector<std::string> arguments) const;
  static std::string Openssl(const std::vector<std::string>& arguments);

  std::string File(absl::string_view name) const { return signer_.File(name); }

  // A root, "ca.pem", with its key "ca.key".
  void MakeCa() const;

  // Has the CA issue a certificate from `csr`, with these extensions.
  void Issue(const std::string& csr, const std::string& out,
             const std::string& extensions = "keyUsage=digitalSignature\n") const;

  // Of the ACTIVE version's certificate.
  std::string Fingerprint() const;

  // Whether the version's certificate lies on the token: "SAME".
  std::string OnToken(const std::string& version = "1") const;

  // Makes a key pair on the signer's token as another tool would.
  static void MakeForeignKey(const std::string& label, const std::string& id,
                             const std::vector<std::string>& more = {"--usage-sign"},
                             const std::string& type = "rsa:2048");

  // The objects on the token, as pkcs11-tool shows them.
  static std::string Objects();

  // "REASON" of a refused command; its exit code must say so too.
  static std::string Refusal(const testing::Finished& finished);
};

}  // namespace keyward::e2e

#endif  // KEYWARD_TESTS_E2E_CERTIFICATES_FIXTURE_H_
