// docs/errors.md is a promise to callers: every reason in the code is in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/file.h"

namespace keyward::signer {
namespace {

namespace fs = std::filesystem;

std::string Read(const fs::path& path) {
  const auto text = ReadFile(path.string());
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

// The words that `pattern` captures in `text`.
void Collect(const std::string& text, const std::regex& pattern, std::set<std::string>& words) {
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
    words.insert((*it)[1]);
  }
}

// Reasons as Error() is given them, and those that tables and helpers pass on.
std::set<std::string> ReasonsInCode() {
  const std::regex direct(R"re(Error\(\s*absl::StatusCode::k\w+,\s*"([A-Z0-9_]+)")re");
  const std::regex passed_on(
      R"re("((?:APPROVAL|CERTIFICATE|CLAIMS|CLIENT|CONNECTION|CONSUMER_KEY|CSR|KEY|LOGIN_URL|REGISTRY)_[A-Z_]+|AUDIENCES_INVALID|SUBJECTS_INVALID)")re");
  std::set<std::string> reasons;
  for (const char* folder : {"client", "common", "signer", "keystore"}) {
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(KEYWARD_SOURCE_DIR) / folder)) {
      if (entry.path().extension() != ".cc") continue;
      const std::string text = Read(entry.path());
      Collect(text, direct, reasons);
      Collect(text, passed_on, reasons);
    }
  }
  return reasons;
}

TEST(ErrorsDocTest, ListsEveryReason) {
  const std::string page = Read(fs::path(KEYWARD_SOURCE_DIR) / "docs" / "errors.md");
  const std::set<std::string> reasons = ReasonsInCode();
  EXPECT_GE(reasons.size(), 30U);
  for (const std::string& reason : reasons) {
    EXPECT_THAT(page, ::testing::HasSubstr(absl::StrCat("`", reason, "`")));
  }
}

TEST(ErrorsDocTest, ListsNoReasonTwice) {
  const std::string page = Read(fs::path(KEYWARD_SOURCE_DIR) / "docs" / "errors.md");
  const std::regex row(R"re(\n\| (`[^|]*) \|)re");
  const std::regex word("`([A-Z_]+)`");
  std::multiset<std::string> listed;
  for (std::sregex_iterator it(page.begin(), page.end(), row), end; it != end; ++it) {
    const std::string cell = (*it)[1];
    for (std::sregex_iterator w(cell.begin(), cell.end(), word); w != end; ++w) {
      listed.insert((*w)[1]);
    }
  }
  EXPECT_GE(listed.size(), 50U);
  for (const std::string& reason : listed) EXPECT_EQ(listed.count(reason), 1U) << reason;
}

}  // namespace
}  // namespace keyward::signer
