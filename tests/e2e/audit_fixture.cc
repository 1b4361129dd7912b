#include "tests/e2e/audit_fixture.h"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"

namespace keyward::e2e {

using nlohmann::json;

const char kAuditSettings[] = "  checkpoint_records: 5\n  rotate_mib: 1\n";

AuditTest::AuditTest() { AcceptLoss(0); }

void AuditTest::AcceptLoss(uint64_t sequence) const {
  const std::string setting = sequence == 0 ? "" : absl::StrCat("  accept_loss: ", sequence, "\n");
  signer_.Write("signer.yaml", testing::Replaced(signer_.DefaultConfig(), "policy:",
                                                 absl::StrCat(kAuditSettings, setting, "policy:")));
}

std::string AuditTest::ReadAll(const std::string& path) const {
  const auto text = ReadFile(path, size_t{64} << 20);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

void AuditTest::Kill() {
  signer_.daemon().Signal(SIGKILL);
  ASSERT_EQ(signer_.daemon().Wait(), 128 + SIGKILL);
}

std::string AuditTest::Do(const std::vector<std::string>& arguments,
                          const std::string& client) const {
  const testing::Finished finished = signer_.Keyward(arguments, client);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  return finished.out;
}

void AuditTest::FillFile() const {
  constexpr int kSubjects = 60;
  // Before and after of some 14 KiB each: 40 changes are a file.
  constexpr int kMaxChanges = 100;
  const size_t closed = ClosedFiles().size();
  const auto client = Client();
  v1::Connection connection = *client->GetConnection("acme");
  for (int i = 0; i < kMaxChanges && ClosedFiles().size() == closed; ++i) {
    connection.clear_subjects();
    connection.add_subjects(kSubject);
    for (int s = 1; s < kSubjects; ++s) {
      connection.add_subjects(absl::StrCat(std::string(220, 'a' + i % 2), s, "@example.com"));
    }
    auto changed = client->UpdateConnection(connection, {"subjects"});
    ASSERT_TRUE(changed.ok()) << changed.status();
    connection = *std::move(changed);
  }
  // It is closed after the record that made it too large was answered.
  EXPECT_TRUE(Eventually([&] { return ClosedFiles().size() > closed; }));
}

std::vector<std::string> AuditTest::ClosedFiles() const {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(signer_.dir())) {
    const std::string name = entry.path().filename();
    if (absl::StartsWith(name, "audit-0") && absl::EndsWith(name, ".jsonl")) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> AuditTest::LogFiles() const {
  std::vector<std::string> files = ClosedFiles();
  files.push_back(File("audit.jsonl"));
  return files;
}

std::vector<json> AuditTest::WholeAudit() const {
  std::string log;
  for (const std::string& file : LogFiles()) log += ReadAll(file);
  return ParseWholeAudit(log);
}

void AuditTest::SaveCertificates(const std::string& name) const {
  Do({"audit", "certificate", "--out", File(name)});
}

std::string AuditTest::Head() const {
  std::string head = Do({"audit", "head"});
  head.resize(head.find_last_not_of('\n') + 1);
  return head;
}

json AuditTest::Verify(const std::vector<std::string>& certificates,
                       const std::vector<std::string>& more) const {
  std::vector<std::string> argv = {
      testing::Binary("keyward"), "audit", "verify", signer_.dir(), "-o", "json", "--from-start"};
  for (const std::string& name : certificates) {
    argv.insert(argv.end(), {"--certificate", File(name)});
  }
  argv.insert(argv.end(), more.begin(), more.end());
  // Offline: without any settings.
  const testing::Finished finished = testing::Run(argv);
  json report = json::parse(finished.out, nullptr, false);
  EXPECT_TRUE(report.is_object()) << finished.out << finished.err;
  if (!report.is_object()) report = json::object();
  report["exit_code"] = finished.exit_code;
  return report;
}

std::vector<std::string> AuditTest::Failures(const json& report) {
  std::vector<std::string> kinds;
  for (const json& finding : report.value("findings", json::array())) {
    if (finding["severity"] == "failure") kinds.push_back(finding["kind"].get<std::string>());
  }
  return kinds;
}

json AuditTest::FindingOf(const json& report, absl::string_view kind) {
  for (const json& finding : report.value("findings", json::array())) {
    if (finding["kind"].get<std::string>() == kind) return finding;
  }
  return nullptr;
}

std::unique_ptr<testing::Daemon> AuditTest::Background(std::vector<std::string> arguments,
                                                       const std::string& client) const {
  arguments.insert(arguments.begin(), testing::Binary("keyward"));
  return testing::Daemon::Start(arguments,
                                {{"KEYWARD_CONFIG", ""},
                                 {"KEYWARD_SIGNER", signer_.address()},
                                 {"KEYWARD_CA", File("pki/ca.pem")},
                                 {"KEYWARD_CERTIFICATE", File("pki/" + client + ".pem")},
                                 {"KEYWARD_PRIVATE_KEY", File("pki/" + client + ".key")}});
}

}  // namespace keyward::e2e
