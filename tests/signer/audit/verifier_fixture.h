// Verifies logs that a test has built and changed.
#ifndef KEYWARD_TESTS_SIGNER_AUDIT_VERIFIER_FIXTURE_H_
#define KEYWARD_TESTS_SIGNER_AUDIT_VERIFIER_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "signer/audit/audit_verifier.h"
#include "tests/signer/audit/log_builder.h"
#include "tests/testing/temp_dir.h"

namespace keyward::signer {

class VerifierFixture : public ::testing::Test {
 protected:
  using LogBuilder = testing::LogBuilder;
  using LogFiles = testing::LogFiles;
  using TestAuditKey = testing::TestAuditKey;

  VerifierFixture() { EXPECT_TRUE(keys_.AddPem(TestAuditKey::First().certificate_pem()).ok()); }

  // Of two files with 14 records, in which every kind is: 1 OpenFile, 2 to 5, 6 Checkpoint,
  // 7 and 8, 9 Checkpoint | 10 OpenFile, 11 and 12, 13 Checkpoint, 14.
  static LogBuilder SmallLog() {
    return LogBuilder().Add(4).Checkpoint().Add(2).Rotate().Add(2).Checkpoint().Add(1);
  }

  VerifyReport Verify(const std::vector<std::string>& paths) {
    auto report = VerifyAuditFiles(paths, keys_, options_);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *std::move(report) : VerifyReport();
  }

  VerifyReport Verify(const LogFiles& files) {
    return Verify(testing::WriteLog(dir_.path(), files));
  }

  // "failure changed-record audit.jsonl:2 11", without notes.
  static std::vector<std::string> Findings(const VerifyReport& report) {
    std::vector<std::string> found;
    for (const Finding& finding : report.findings) {
      if (finding.severity == Severity::kNote) continue;
      found.push_back(absl::StrCat(SeverityName(finding.severity), " ", FindingName(finding.kind),
                                   " ", std::filesystem::path(finding.file).filename().string(),
                                   ":", finding.line, " ", finding.sequence));
    }
    return found;
  }

  std::vector<std::string> FindingsOf(const LogFiles& files) { return Findings(Verify(files)); }

  const testing::TempDir dir_;
  CheckpointKeys keys_;
  VerifyOptions options_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_TESTS_SIGNER_AUDIT_VERIFIER_FIXTURE_H_
