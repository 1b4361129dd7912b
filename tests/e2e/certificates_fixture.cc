#include "tests/e2e/certificates_fixture.h"

namespace keyward::e2e {

using nlohmann::json;

namespace {

// pkcs11-tool, logged in to the signer's token.
testing::Finished Pkcs11Tool(const std::vector<std::string>& more) {
  std::vector<std::string> argv = {
      "pkcs11-tool", "--module", testing::kSoftHsmModule, "--token-label", testing::kSignerToken,
      "--login",     "--pin",    testing::kUserPin};
  argv.insert(argv.end(), more.begin(), more.end());
  testing::Finished finished = testing::Run(argv);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  return finished;
}

}  // namespace

CertificatesTest::CertificatesTest() {
  Start();
  CreateConnection();
}

testing::Finished CertificatesTest::Keyward(const std::vector<std::string>& arguments,
                                            const std::string& client) const {
  return signer_.Keyward(arguments, client);
}

std::string CertificatesTest::Do(const std::vector<std::string>& arguments) const {
  const testing::Finished finished = Keyward(arguments);
  EXPECT_EQ(finished.exit_code, 0) << arguments[1] << ": " << finished.err;
  return finished.out;
}

json CertificatesTest::DoJson(std::vector<std::string> arguments) const {
  arguments.insert(arguments.end(), {"--output", "json"});
  return json::parse(Do(arguments), nullptr, false);
}

std::string CertificatesTest::Openssl(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {"openssl"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const testing::Finished finished = testing::Run(argv);
  EXPECT_EQ(finished.exit_code, 0) << arguments[0] << ": " << finished.err;
  return finished.out;
}

void CertificatesTest::MakeCa() const {
  Openssl({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", File("ca.key"), "-out",
           File("ca.pem"), "-subj", "/CN=Acme Root", "-days", "30"});
}

void CertificatesTest::Issue(const std::string& csr, const std::string& out,
                             const std::string& extensions) const {
  signer_.Write("extensions", extensions);
  Openssl({"x509", "-req", "-in", File(csr), "-CA", File("ca.pem"), "-CAkey", File("ca.key"),
           "-CAcreateserial", "-days", "10", "-out", File(out), "-extfile", File("extensions"),
           "-sha256"});
}

std::string CertificatesTest::Fingerprint() const {
  return DoJson({"certificate", "download", "acme"}).value("sha256_fingerprint", "");
}

std::string CertificatesTest::OnToken(const std::string& version) const {
  const json details = DoJson({"key", "inspect", "acme", "--version", version});
  return details["certificate"].value("on_token", "");
}

void CertificatesTest::MakeForeignKey(const std::string& label, const std::string& id,
                                      const std::vector<std::string>& more,
                                      const std::string& type) {
  std::vector<std::string> arguments = {"--keypairgen", "--key-type", type, "--label",
                                        label,          "--id",       id,   "--sensitive"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  Pkcs11Tool(arguments);
}

std::string CertificatesTest::Objects() { return Pkcs11Tool({"--list-objects"}).out; }

std::string CertificatesTest::Refusal(const testing::Finished& finished) {
  EXPECT_EQ(finished.exit_code, 1) << finished.out << finished.err;
  const size_t begin = finished.err.rfind('(');
  const size_t end = finished.err.rfind(')');
  if (begin == std::string::npos || end == std::string::npos) return finished.err;
  return finished.err.substr(begin + 1, end - begin - 1);
}

}  // namespace keyward::e2e
