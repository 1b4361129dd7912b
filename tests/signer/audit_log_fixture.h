// An audit log in a directory of its own, and what is in its files.
#ifndef KEYWARD_TESTS_SIGNER_AUDIT_LOG_FIXTURE_H_
#define KEYWARD_TESTS_SIGNER_AUDIT_LOG_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "signer/audit_log.h"
#include "tests/testing/temp_dir.h"

namespace keyward::signer {

AuditRecord RecordOf(const std::string& connection);
AuditRecord RefusalOf(const std::string& connection, const std::string& identity = "dns:a");

// Whether `condition` became true, within a minute.
bool Eventually(const std::function<bool()>& condition);

class AuditLogTest : public ::testing::Test {
 protected:
  // With options() as they are then.
  std::unique_ptr<AuditLog> Open();
  // The error of a log that must not open.
  absl::Status OpenError();

  std::string path() const { return dir_.File("audit.jsonl"); }
  // Names of the files in the directory, sorted.
  std::vector<std::string> FileNames() const;
  std::string Text(const std::string& name = "audit.jsonl") const;
  void Write(const std::string& text, const std::string& name = "audit.jsonl") const;

  // The records of all files, oldest first; fails the test where they are not one chain
  // from `first` on, or where a file does not begin with OpenFile.
  std::vector<nlohmann::json> Records(uint64_t first = 1) const;
  // Their methods; of a Sign the connection instead.
  std::vector<std::string> Story(uint64_t first = 1) const;

  testing::TempDir dir_;
  AuditOptions options_{.file = path()};
};

}  // namespace keyward::signer

#endif  // KEYWARD_TESTS_SIGNER_AUDIT_LOG_FIXTURE_H_
