// CheckFiles() of signer/config, on files that the openssl command made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "common/file.h"
#include "common/openssl.h"
#include "signer/config.h"
#include "tests/testing/signer_process.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/temp_dir.h"

namespace keyward::signer {
namespace {

using keyward::testing::Replaced;
using ::testing::HasSubstr;

constexpr char kConfig[] = R"(listen: 127.0.0.1:7443
tls:
  certificate: signer.pem
  private_key: signer.key
  client_ca: ca.pem
token:
  module: module.so
  uri: "pkcs11:token=keyward-demo"
  pin:
    file: pin
registry:
  sqlite: registry.db
audit:
  file: audit.jsonl
policy: policy.yaml
)";

class ConfigFilesTest : public ::testing::Test {
 protected:
  ConfigFilesTest() {
    MakeCertificate("signer");
    MakeCertificate("ca");
    Write("module.so", "");
    Write("policy.yaml", "");
    Write("pin", "1234\n", 0600);
  }

  void MakeCertificate(const std::string& name) const {
    const auto made =
        keyward::testing::Run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                               "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name,
                               "-keyout", File(name + ".key"), "-out", File(name + ".pem")});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    ASSERT_EQ(chmod(File(name + ".key").c_str(), 0600), 0);
  }

  // Makes signer.pem valid between two times, in seconds from now. The signature
  // is then wrong, which nobody checks on a certificate of one's own.
  void SetValidity(int from, int to) const {
    const std::string pem = *ReadFile(File("signer.pem"));
    const BioPtr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const X509Ptr certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    ASSERT_NE(certificate, nullptr);
    const std::unique_ptr<ASN1_TIME, OpensslDeleter<&ASN1_TIME_free>> time(ASN1_TIME_new());
    ASSERT_EQ(X509_set1_notBefore(certificate.get(), X509_gmtime_adj(time.get(), from)), 1);
    ASSERT_EQ(X509_set1_notAfter(certificate.get(), X509_gmtime_adj(time.get(), to)), 1);
    // Has what was read encoded anew.
    ASSERT_GT(i2d_re_X509_tbs(certificate.get(), nullptr), 0);
    const BioPtr out(BIO_new(BIO_s_mem()));
    ASSERT_EQ(PEM_write_bio_X509(out.get(), certificate.get()), 1);
    const char* text = nullptr;
    const auto size = BIO_get_mem_data(out.get(), &text);
    Write("signer.pem", absl::string_view(text, static_cast<size_t>(size)));
  }

  std::string File(absl::string_view name) const { return dir_.File(name); }
  void Write(absl::string_view name, absl::string_view text, unsigned mode = 0644) const {
    ASSERT_TRUE(WriteFile(File(name), text, mode).ok());
  }

  std::string Mistakes(absl::string_view yaml = kConfig) const {
    const auto config = ParseConfig(yaml, File("signer.yaml"));
    EXPECT_TRUE(config.ok()) << config.status();
    const absl::Status status = CheckFiles(*config);
    EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status));
    return std::string(status.message());
  }

  keyward::testing::TempDir dir_;
};

TEST_F(ConfigFilesTest, AcceptsGoodFiles) {
  EXPECT_EQ(Mistakes(), "");
  Write("registry.db", "", 0600);
  Write("audit.jsonl", "", 0600);
  // A chain.
  Write("signer.pem", *ReadFile(File("signer.pem")) + *ReadFile(File("ca.pem")));
  EXPECT_EQ(Mistakes(), "");
}

TEST_F(ConfigFilesTest, NamesEveryMissingFileAtOnce) {
  for (const char* name :
       {"signer.pem", "signer.key", "ca.pem", "module.so", "pin", "policy.yaml"}) {
    std::filesystem::remove(File(name));
  }
  const std::string mistakes = Mistakes();
  const std::string yaml = File("signer.yaml");
  for (const std::string& start :
       {yaml + ":3: tls.certificate: " + File("signer.pem") + ": ",
        yaml + ":4: tls.private_key: " + File("signer.key") + ": ",
        yaml + ":5: tls.client_ca: " + File("ca.pem") + ": ",
        yaml + ":7: token.module: " + File("module.so") + ": ",
        yaml + ":10: token.pin.file: PIN from file " + File("pin") + ": ",
        yaml + ":15: policy: " + File("policy.yaml") + ": "}) {
    EXPECT_THAT(mistakes, HasSubstr(start));
  }
  EXPECT_EQ(std::count(mistakes.begin(), mistakes.end(), '\n'), 5) << mistakes;
}

TEST_F(ConfigFilesTest, RefusesAKeyThatOthersCanAccess) {
  for (const mode_t mode : {0640U, 0604U, 0660U}) {
    ASSERT_EQ(chmod(File("signer.key").c_str(), mode), 0);
    EXPECT_THAT(Mistakes(), HasSubstr(":4: tls.private_key: " + File("signer.key") +
                                      ": others than its owner can access it: chmod 600 it"));
  }
  ASSERT_EQ(chmod(File("signer.key").c_str(), 0400), 0);
  EXPECT_EQ(Mistakes(), "");
  ASSERT_EQ(chmod(File("pin").c_str(), 0644), 0);
  EXPECT_THAT(Mistakes(), HasSubstr(":10: token.pin.file: "));
}

TEST_F(ConfigFilesTest, RefusesWhatOthersCanChangeOrRead) {
  Write("signer.yaml", kConfig);
  Write("registry.db", "", 0600);
  Write("audit.jsonl", "", 0640);
  EXPECT_EQ(Mistakes(), "");
  for (const mode_t mode : {0664U, 0646U, 0620U}) {
    ASSERT_EQ(chmod(File("signer.yaml").c_str(), mode), 0);
    ASSERT_EQ(chmod(File("policy.yaml").c_str(), mode), 0);
    EXPECT_EQ(Mistakes(), File("signer.yaml") +
                              ":1: others than its owner can write it: chmod go-w it\n" +
                              File("signer.yaml") + ":15: policy: " + File("policy.yaml") +
                              ": others than its owner can write it: chmod go-w it");
  }
  ASSERT_EQ(chmod(File("signer.yaml").c_str(), 0444), 0);
  ASSERT_EQ(chmod(File("policy.yaml").c_str(), 0644), 0);
  for (const auto& [name, place] : {std::pair("registry.db", ":12: registry.sqlite: "),
                                    std::pair("audit.jsonl", ":14: audit.file: ")}) {
    ASSERT_EQ(chmod(File(name).c_str(), 0644), 0);
    EXPECT_EQ(Mistakes(), File("signer.yaml") + place + File(name) +
                              ": everybody on this machine can read it: chmod 600 it");
    ASSERT_EQ(chmod(File(name).c_str(), 0662), 0);
    EXPECT_EQ(Mistakes(), File("signer.yaml") + place + File(name) +
                              ": everybody on this machine can write it: chmod 600 it");
    ASSERT_EQ(chmod(File(name).c_str(), 0600), 0);
  }
  ASSERT_EQ(chmod(dir_.path().c_str(), 01777), 0);
  EXPECT_THAT(Mistakes(), HasSubstr(":12: registry.sqlite: " + File("registry.db") +
                                    ": everybody on this machine can write its folder"));
  EXPECT_THAT(Mistakes(), HasSubstr(":14: audit.file: "));
}

TEST_F(ConfigFilesTest, ChecksTheFilesOfForwarding) {
  const std::string yaml = Replaced(kConfig, "  file: audit.jsonl\n",
                                    "  file: audit.jsonl\n"
                                    "  forward:\n"
                                    "    syslog: logs.example:6514\n"
                                    "    ca: ca.pem\n"
                                    "    certificate: signer.pem\n"
                                    "    private_key: signer.key\n");
  EXPECT_EQ(Mistakes(yaml), "");
  const auto with = [&](absl::string_view from, absl::string_view to) {
    return Mistakes(Replaced(yaml, from, to));
  };
  EXPECT_THAT(with("    ca: ca.pem", "    ca: absent.pem"),
              HasSubstr(":17: audit.forward.ca: " + File("absent.pem") + ": cannot be read"));
  EXPECT_THAT(with("    ca: ca.pem", "    ca: ca.key"),
              HasSubstr(":17: audit.forward.ca: " + File("ca.key") + ": holds no PEM certificate"));
  EXPECT_THAT(with("    private_key: signer.key", "    private_key: ca.key"),
              HasSubstr(":19: audit.forward.private_key: " + File("ca.key") +
                        ": does not belong to the certificate"));
  ASSERT_EQ(chmod(File("signer.key").c_str(), 0640), 0);
  EXPECT_THAT(Mistakes(yaml), HasSubstr(":19: audit.forward.private_key: " + File("signer.key") +
                                        ": others than its owner can access it"));
}

TEST_F(ConfigFilesTest, RefusesAKeyOfAnotherCertificate) {
  std::filesystem::rename(File("ca.key"), File("signer.key"));
  EXPECT_THAT(Mistakes(), HasSubstr(":4: tls.private_key: " + File("signer.key") +
                                    ": does not belong to the certificate"));
}

TEST_F(ConfigFilesTest, RefusesWhatDoesNotParse) {
  const std::string good = *ReadFile(File("signer.pem"));
  const std::string key = *ReadFile(File("signer.key"));
  for (const std::string& text :
       {std::string(), std::string("nonsense"), key,
        std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}) {
    Write("signer.pem", text);
    EXPECT_THAT(Mistakes(), HasSubstr(":3: tls.certificate: ")) << text;
  }
  Write("signer.pem", good);
  Write("signer.key", good, 0600);
  EXPECT_THAT(Mistakes(), HasSubstr("holds no PEM private key"));
  Write("signer.key", key, 0600);
  Write("ca.pem", good + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  EXPECT_THAT(Mistakes(), HasSubstr(":5: tls.client_ca: " + File("ca.pem") +
                                    ": its PEM certificate number 2 is malformed"));
  Write("ca.pem", good.substr(0, good.size() / 2));
  EXPECT_THAT(Mistakes(), HasSubstr(":5: tls.client_ca: "));
}

TEST_F(ConfigFilesTest, RefusesAKeyWithAPassphraseWithoutAsking) {
  const auto made = keyward::testing::Run({"openssl", "pkcs8", "-topk8", "-in", File("signer.key"),
                                           "-out", File("locked.key"), "-passout", "pass:x"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  std::filesystem::rename(File("locked.key"), File("signer.key"));
  ASSERT_EQ(chmod(File("signer.key").c_str(), 0600), 0);
  EXPECT_THAT(Mistakes(), HasSubstr("holds no PEM private key without a passphrase"));
}

TEST_F(ConfigFilesTest, RefusesACertificateThatHasExpired) {
  SetValidity(-7200, -3600);
  EXPECT_THAT(Mistakes(),
              HasSubstr(":3: tls.certificate: " + File("signer.pem") + ": has expired"));
}

TEST_F(ConfigFilesTest, RefusesACertificateThatIsNotValidYet) {
  SetValidity(3600, 7200);
  EXPECT_THAT(Mistakes(),
              HasSubstr(":3: tls.certificate: " + File("signer.pem") + ": is not valid yet"));
}

TEST_F(ConfigFilesTest, RefusesFoldersAndPathsThatCannotBeWritten) {
  std::filesystem::create_directory(File("registry.db"));
  std::filesystem::remove(File("policy.yaml"));
  std::filesystem::create_directory(File("policy.yaml"));
  std::string yaml = kConfig;
  yaml.replace(yaml.find("audit.jsonl"), 11, "absent/audit.jsonl");
  const std::string mistakes = Mistakes(yaml);
  EXPECT_THAT(mistakes,
              HasSubstr(":12: registry.sqlite: " + File("registry.db") + ": is a directory"));
  EXPECT_THAT(mistakes, HasSubstr(":14: audit.file: " + File("absent/audit.jsonl") +
                                  ": its folder is not there"));
  EXPECT_THAT(mistakes, HasSubstr(":15: policy: " + File("policy.yaml") + ": is a directory"));
}

// In a process without root's rights, which may write everything.
TEST_F(ConfigFilesTest, RefusesARegistryThatCannotBeWritten) {
  Write("registry.db", "", 0444);
  ASSERT_EQ(chmod(dir_.path().c_str(), 0755), 0);
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (geteuid() == 0 && setresuid(kNobody, kNobody, kNobody) != 0) _exit(2);
    _exit(absl::StrContains(Mistakes(),
                            ":12: registry.sqlite: " + File("registry.db") + ": cannot be written")
              ? 0
              : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace keyward::signer
