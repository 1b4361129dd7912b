#include "tests/signer/audit_log_fixture.h"

#include <algorithm>
#include <filesystem>
#include <future>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "common/openssl.h"
#include "signer/audit/file_names.h"

namespace keyward::signer {

using nlohmann::json;

AuditRecord RecordOf(const std::string& connection) {
  return {.time = absl::FromUnixSeconds(1700000000), .method = "Sign", .connection = connection};
}

AuditRecord RefusalOf(const std::string& connection, const std::string& identity) {
  AuditRecord record = RecordOf(connection);
  record.identity = identity;
  record.refusal = "NOT_ALLOWED";
  return record;
}

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time deadline = absl::Now() + absl::Minutes(1);
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

std::unique_ptr<AuditLog> AuditLogTest::Open() {
  auto log = AuditLog::New(options_);
  EXPECT_TRUE(log.ok()) << log.status();
  return *std::move(log);
}

absl::Status AuditLogTest::OpenError() {
  const absl::Status status = AuditLog::New(options_).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(path()));
  return status;
}

std::vector<std::string> AuditLogTest::FileNames() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string AuditLogTest::Text(const std::string& name) const {
  return ReadFile(dir_.File(name), size_t{64} << 20).value_or("");
}

void AuditLogTest::Write(const std::string& text, const std::string& name) const {
  ASSERT_TRUE(WriteFile(dir_.File(name), text, 0600).ok());
}

std::vector<json> AuditLogTest::Records(uint64_t first) const {
  std::vector<std::string> files;
  const auto closed = FindClosedFiles(path());
  EXPECT_TRUE(closed.ok()) << closed.status();
  for (const NumberedFile& file : *closed) {
    files.push_back(std::filesystem::path(file.path).filename());
  }
  if (std::filesystem::exists(path())) files.emplace_back("audit.jsonl");
  std::vector<json> records;
  std::string previous(kNoPrevious);
  for (const std::string& file : files) {
    const std::string text = Text(file);
    EXPECT_TRUE(absl::EndsWith(text, "\n")) << file;
    bool begins = true;
    for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      json record = json::parse(line.begin(), line.end(), nullptr, false);
      if (!record.is_object()) {
        ADD_FAILURE() << file << ": no record: " << line;
        continue;
      }
      EXPECT_EQ(record.value("sequence", uint64_t{0}), first + records.size()) << file;
      EXPECT_EQ(record.value("previous", ""), previous) << file << ": " << line;
      EXPECT_EQ(record.value("method", "") == "OpenFile", begins) << file << ": " << line;
      if (begins && file != "audit.jsonl") {
        EXPECT_EQ(dir_.File(file), ClosedFileName(path(), first + records.size()));
      }
      begins = false;
      previous = HexSha256(line);
      records.push_back(std::move(record));
    }
  }
  return records;
}

std::vector<std::string> AuditLogTest::Story(uint64_t first) const {
  std::vector<std::string> story;
  for (const json& record : Records(first)) {
    const std::string method = record.value("method", "");
    story.push_back(method == "Sign" ? record.value("connection", "") : method);
  }
  return story;
}

}  // namespace keyward::signer
