// What the signer's own log writes verifies, however it was rotated and restarted.
#include <memory>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "signer/audit_log.h"
#include "tests/signer/audit/verifier_fixture.h"

namespace keyward::signer {
namespace {

using ::testing::IsEmpty;

class VerifierRealLogTest : public VerifierFixture {
 protected:
  std::unique_ptr<AuditLog> Open() {
    auto log = AuditLog::New(
        {.file = dir_.File("audit.jsonl"), .rotate_bytes = 10000, .checkpoint_records = 10});
    EXPECT_TRUE(log.ok()) << log.status();
    (*log)->SetCheckpointSigner([](const std::string& statement, absl::Time) {
      return CheckpointSignature{TestAuditKey::First().Sign(statement), TestAuditKey::First().kid(),
                                 1};
    });
    return *std::move(log);
  }

  static void Append(AuditLog& log, int count) {
    for (int i = 0; i < count; ++i) {
      absl::Notification durable;
      log.Append({.time = absl::Now(),
                  .identity = "cn:backend",
                  .method = "Sign",
                  .connection = "acme",
                  .refusal = i % 7 == 0 ? "NOT_ALLOWED" : ""},
                 [&](const absl::Status& status) {
                   EXPECT_TRUE(status.ok()) << status;
                   durable.Notify();
                 });
      durable.WaitForNotification();
    }
  }

  VerifyReport VerifyAll() { return Verify(std::vector<std::string>{dir_.path()}); }
};

TEST_F(VerifierRealLogTest, IsWholeAfterRestartsAndRotations) {
  // The certificate's beginning is long ago, and its end in ten years.
  for (int start = 0; start < 3; ++start) {
    const std::unique_ptr<AuditLog> log = Open();
    Append(*log, 60);
  }
  options_.from_start = true;
  const VerifyReport report = VerifyAll();
  EXPECT_THAT(report.findings, IsEmpty()) << report.findings[0].message;
  EXPECT_GE(report.files, 3U);
  EXPECT_GE(report.records, 180U);
  EXPECT_GE(report.checkpoints, 6U);
  // Of an orderly end only the checkpoint itself is not vouched for.
  EXPECT_EQ(report.unvouched_records, 1U);
}

TEST_F(VerifierRealLogTest, IsWholeWhileItIsWritten) {
  const std::unique_ptr<AuditLog> log = Open();
  Append(*log, 100);
  log->FinishGroup();
  const AuditHead head = log->head();
  options_.anchors = {{head.last.sequence, head.last.sha256}};
  const VerifyReport report = VerifyAll();
  EXPECT_TRUE(report.ok()) << report.findings[0].message;
  EXPECT_GE(report.last->sequence, head.last.sequence);
}

TEST_F(VerifierRealLogTest, IsWholeAfterACrashInTheMiddleOfALine) {
  {
    const std::unique_ptr<AuditLog> log = Open();
    Append(*log, 5);
  }
  std::string text = ReadFile(dir_.File("audit.jsonl")).value_or("");
  ASSERT_TRUE(WriteFile(dir_.File("audit.jsonl"), text + "{\"sequence\":8,\"prev", 0600).ok());
  {
    const std::unique_ptr<AuditLog> log = Open();
    Append(*log, 5);
  }
  const VerifyReport report = VerifyAll();
  EXPECT_THAT(report.findings, IsEmpty()) << report.findings[0].message;
}

}  // namespace
}  // namespace keyward::signer
