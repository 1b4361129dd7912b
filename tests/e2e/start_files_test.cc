// Starts with a registry, audit log or TLS file that cannot be used.
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/e2e/failed_start.h"

namespace keyward::e2e {
namespace {

class StartFilesTest : public FailedStartTest {
 protected:
  void RunSql(const std::string& sql) const {
    const testing::Finished finished = testing::Run({"sqlite3", signer_.File("registry.db"), sql});
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
  }
};

TEST_F(StartFilesTest, ARegistryThatIsReadOnly) {
  ExpectGoodStart();
  const std::string path = signer_.File("registry.db");
  ASSERT_EQ(chmod(path.c_str(), 0400), 0);
  ExpectFailedStartWithoutPrivileges({"registry.sqlite", path, "Permission denied"});
  // The mode alone is enough: root would write anyway, and the next user not.
  ExpectFailedStart({"registry.sqlite", "cannot be written", path});
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  ExpectGoodStart();
}

TEST_F(StartFilesTest, ARegistryOfANewerKeyward) {
  ExpectGoodStart();
  RunSql("INSERT INTO schema_migrations (number, apply_time_us) VALUES (99, 0)");
  ExpectFailedStart({"registry.sqlite", "schema version 99", "install"});
  RunSql("DELETE FROM schema_migrations WHERE number = 99");
  ExpectGoodStart();
}

TEST_F(StartFilesTest, ARegistryThatIsDamagedOrAnotherPrograms) {
  signer_.Write("registry.db", std::string(8192, 'x'));
  ExpectFailedStart({"registry.sqlite", signer_.File("registry.db"), "backup"});
  ASSERT_EQ(unlink(signer_.File("registry.db").c_str()), 0);
  RunSql("CREATE TABLE theirs (a)");
  ASSERT_EQ(chmod(signer_.File("registry.db").c_str(), 0600), 0);
  ExpectFailedStart({"registry.sqlite", "another program"});
  ASSERT_EQ(unlink(signer_.File("registry.db").c_str()), 0);
  ASSERT_EQ(mkdir(signer_.File("registry.db").c_str(), 0700), 0);
  ExpectFailedStart({"registry.sqlite", "is a directory"});
}

TEST_F(StartFilesTest, ARegistryWhosePagesAreOverwritten) {
  Start(environment());
  CreateConnection();
  Stop();
  std::string bytes = ReadFile(signer_.File("registry.db"), size_t{16} << 20).value_or("");
  ASSERT_GT(bytes.size(), 8192U);
  bytes.replace(4096, 4096, std::string(4096, '\x5a'));
  signer_.Write("registry.db", bytes);
  ExpectFailedStart({"registry.sqlite", signer_.File("registry.db"), "backup"});
}

TEST_F(StartFilesTest, AnAuditLogThatCannotBeWritten) {
  Configure("file: audit.jsonl", "file: absent/audit.jsonl");
  ExpectFailedStart({"audit.file", "absent/audit.jsonl", "folder"});
  Configure("absent/audit.jsonl", "/dev/null");
  ExpectFailedStart({"audit.file", "/dev/null", "not a regular file"});
  Configure("/dev/null", "pki");
  ExpectFailedStart({"audit.file", signer_.File("pki"), "is a directory"});
  Configure("file: pki", "file: audit.jsonl");
  ASSERT_TRUE(WriteFile(signer_.File("audit.jsonl"), "", 0600).ok());
  ASSERT_EQ(chmod(signer_.File("audit.jsonl").c_str(), 0400), 0);
  ExpectFailedStartWithoutPrivileges({"audit.file", signer_.File("audit.jsonl")});
  // Somebody's file that is no audit log is not written to.
  ASSERT_TRUE(WriteFile(signer_.File("audit.jsonl"), "a letter\nto someone\n", 0600).ok());
  ExpectFailedStart({"audit.file", signer_.File("audit.jsonl"), "move the file away"});
  EXPECT_EQ(ReadFile(signer_.File("audit.jsonl")).value_or(""), "a letter\nto someone\n");
  ASSERT_TRUE(WriteFile(signer_.File("audit.jsonl"), "", 0644).ok());
  ExpectFailedStart({"audit.file", signer_.File("audit.jsonl"), "chmod"});
}

TEST_F(StartFilesTest, AnAuditLogThatAnotherSignerWrites) {
  Start(environment());
  ExpectFailedStart({"audit.file", signer_.File("audit.jsonl"), "another process"});
  CreateConnection();
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
  Stop();
  ParseAudit(ReadFile(signer_.File("audit.jsonl")).value_or("?"));
}

TEST_F(StartFilesTest, TlsFilesThatAreAbsentOrDoNotBelongTogether) {
  Configure("pki/signer.pem", "pki/absent.pem");
  Configure("pki/ca.pem", "policy.yaml");
  ExpectFailedStart({"tls.certificate", signer_.File("pki/absent.pem"), "No such file",
                     "tls.client_ca", signer_.File("policy.yaml"), "no PEM certificate"});
  Configure("pki/absent.pem", "pki/signer.pem");
  Configure("client_ca: policy.yaml", "client_ca: pki/ca.pem");
  Configure("pki/signer.key", "pki/standin.key");
  ExpectFailedStart({"tls.private_key", signer_.File("pki/standin.key"), "does not belong"});
  Configure("pki/standin.key", "pki/ca.pem");
  ASSERT_EQ(chmod(signer_.File("pki/ca.pem").c_str(), 0600), 0);
  ExpectFailedStart({"tls.private_key", signer_.File("pki/ca.pem"), "no PEM private key"});
  Configure("private_key: pki/ca.pem", "private_key: pki/signer.key");
  ExpectGoodStart();
}

}  // namespace
}  // namespace keyward::e2e
