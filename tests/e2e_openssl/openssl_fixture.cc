#include "tests/e2e_openssl/openssl_fixture.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "common/file.h"

namespace keyward {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Commands find no configuration of the machine's, nor a token.
const testing::Environment kSoftware = {{"OPENSSL_CONF", "/dev/null"},
                                        {"SOFTHSM2_CONF", "/dev/null"}};

testing::Finished RunOpenssl(const Arguments& arguments, const testing::Environment& environment,
                             const std::string& input) {
  Arguments argv = {"openssl"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  testing::Finished finished = testing::Run(argv, environment, input);
  EXPECT_THAT(finished.out, Not(HasSubstr(testing::kUserPin)));
  EXPECT_THAT(finished.err, Not(HasSubstr(testing::kUserPin)));
  return finished;
}

}  // namespace

const TokenKey& Rsa() {
  static const TokenKey key{.label = "rsa", .id = "01", .type = "rsa:2048"};
  return key;
}

const TokenKey& Pss() {
  static const TokenKey key{.label = "pss", .id = "02", .type = "rsa:2048", .pss_alone = true};
  return key;
}

const TokenKey& Ec256() {
  static const TokenKey key{.label = "ec256", .id = "03", .type = "EC:prime256v1"};
  return key;
}

const TokenKey& Ec384() {
  static const TokenKey key{.label = "ec384", .id = "04", .type = "EC:secp384r1"};
  return key;
}

std::vector<TokenKey> AllKeys() { return {Rsa(), Pss(), Ec256(), Ec384()}; }

void PrintTo(const TokenKey& key, std::ostream* out) { *out << key.label; }

OpensslTest::OpensslTest() {
  softhsm_.InitToken("web");
  for (const TokenKey& key : AllKeys()) {
    Arguments arguments = {"--keypairgen", "--key-type", key.type, "--label",
                           key.label,      "--id",       key.id};
    if (key.pss_alone) {
      arguments.insert(arguments.end(), {"--allowed-mechanisms", "RSA-PKCS-PSS"});
    }
    const testing::Finished made = Pkcs11Tool(arguments);
    EXPECT_EQ(made.exit_code, 0) << made.err;
  }
  // With the line's end that an editor leaves.
  Write("pin", absl::StrCat(testing::kUserPin, "\n"));
  Configuration("openssl.cnf", "default = first\nkeyward = second\n",
                absl::StrCat(Settings(), "pin-source = file:", File("pin"), "\n"));
}

std::string OpensslTest::Write(absl::string_view name, absl::string_view contents) const {
  const absl::Status status = WriteFile(File(name), contents, 0600);
  EXPECT_TRUE(status.ok()) << status;
  return File(name);
}

std::string OpensslTest::Read(const std::string& file) {
  absl::StatusOr<std::string> contents = ReadFile(file);
  EXPECT_TRUE(contents.ok()) << contents.status();
  return contents.ok() ? *std::move(contents) : "";
}

std::string OpensslTest::Settings() {
  return absl::StrCat("pkcs11-module = ", testing::kSoftHsmModule, "\ntoken = web\n");
}

std::string OpensslTest::Configuration(absl::string_view name, absl::string_view providers,
                                       absl::string_view settings) const {
  return Write(
      name, absl::StrCat(
                "config_diagnostics = 1\nopenssl_conf = init\n[init]\nproviders = all\n", "[all]\n",
                providers, "[first]\nactivate = 1\n[second]\nmodule = ", KEYWARD_PROVIDER,
                "\nactivate = 1\n", settings, "[req]\ndistinguished_name = name\n[name]\n"));
}

testing::Environment OpensslTest::KeywardEnvironment(const std::string& configuration) {
  return {{"OPENSSL_CONF", configuration}};
}

testing::Finished OpensslTest::OpensslAs(const std::string& configuration,
                                         const Arguments& arguments,
                                         const std::string& input) const {
  return RunOpenssl(arguments, KeywardEnvironment(configuration), input);
}

testing::Finished OpensslTest::Openssl(const Arguments& arguments, const std::string& input) const {
  return OpensslAs(configuration(), arguments, input);
}

testing::Finished OpensslTest::Software(const Arguments& arguments, const std::string& input) {
  return RunOpenssl(arguments, kSoftware, input);
}

std::string OpensslTest::Do(const Arguments& arguments, const std::string& input) const {
  testing::Finished finished = Openssl(arguments, input);
  EXPECT_EQ(finished.exit_code, 0) << ::testing::PrintToString(arguments) << finished.err;
  return std::move(finished.out);
}

std::string OpensslTest::DoInSoftware(const Arguments& arguments, const std::string& input) {
  testing::Finished finished = Software(arguments, input);
  EXPECT_EQ(finished.exit_code, 0) << ::testing::PrintToString(arguments) << finished.err;
  return std::move(finished.out);
}

testing::Finished OpensslTest::Pkcs11Tool(const Arguments& arguments) {
  Arguments argv = {"pkcs11-tool",   "--module", testing::kSoftHsmModule,
                    "--token-label", "web",      "--login",
                    "--pin",         "env:PIN"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return testing::Run(argv, {{"PIN", testing::kUserPin}, {"OPENSSL_CONF", "/dev/null"}});
}

std::string OpensslTest::PublicKey(const TokenKey& key) const {
  const std::string file = File(key.label + ".pub");
  Do({"pkey", "-in", key.Uri(), "-pubout", "-out", file});
  return file;
}

std::string OpensslTest::Certificate(const TokenKey& key) const {
  const std::string file = File(key.label + ".pem");
  Do({"req", "-new", "-x509", "-key", key.Uri(), "-subj", "/CN=localhost/O=" + key.label, "-days",
      "2", "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
      "keyUsage=critical,digitalSignature,keyCertSign", "-addext",
      "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", file});
  return file;
}

void OpensslTest::StoreCertificate(const TokenKey& key) const {
  const std::string der = File("certificate.der");
  DoInSoftware({"x509", "-in", Certificate(key), "-outform", "DER", "-out", der});
  const testing::Finished stored =
      Pkcs11Tool({"--write-object", der, "--type", "cert", "--label", key.label, "--id", key.id});
  EXPECT_EQ(stored.exit_code, 0) << stored.err;
}

std::string OpensslTest::SoftwareKey(const std::string& name) const {
  const std::string file = File(name);
  DoInSoftware(
      {"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file});
  return file;
}

}  // namespace keyward
