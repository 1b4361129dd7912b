// No change of a log that somebody wrote down the end of stays unnoticed.
#include <algorithm>
#include <functional>

#include "absl/strings/str_join.h"
#include "common/file.h"
#include "tests/signer/audit/verifier_fixture.h"

namespace keyward::signer {
namespace {

class VerifierMutationTest : public VerifierFixture {
 protected:
  VerifierMutationTest() {
    const LogBuilder log = SmallLog();
    files_ = log.files();
    options_.anchors = {{log.last().sequence, log.last().sha256}};
    paths_ = testing::WriteLog(dir_.path(), files_);
    EXPECT_TRUE(Verify(paths_).ok());
  }

  void ExpectNoticed(size_t file, const std::string& text, const std::string& what) {
    ASSERT_TRUE(WriteFile(paths_[file], text).ok());
    EXPECT_FALSE(Verify(paths_).ok()) << what;
  }

  static std::string Text(const std::vector<std::string>& lines) {
    return absl::StrJoin(lines, "\n") + "\n";
  }

  // Calls `change` with each file's lines and each of their indexes.
  void ForEachLine(absl::string_view what,
                   const std::function<bool(std::vector<std::string>&, size_t)>& change) {
    for (size_t file = 0; file < files_.size(); ++file) {
      for (size_t i = 0; i < files_[file].size(); ++i) {
        std::vector<std::string> lines = files_[file];
        if (!change(lines, i)) continue;
        ExpectNoticed(file, Text(lines), absl::StrCat(what, " ", file, ":", i + 1));
      }
      ASSERT_TRUE(WriteFile(paths_[file], Text(files_[file])).ok());
    }
  }

  LogFiles files_;
  std::vector<std::string> paths_;
};

// One bit of each byte, another one from byte to byte: every member, quote and line end.
TEST_F(VerifierMutationTest, NoticesEveryByte) {
  for (size_t file = 0; file < files_.size(); ++file) {
    const std::string text = Text(files_[file]);
    for (size_t i = 0; i < text.size(); ++i) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
      ExpectNoticed(file, changed, absl::StrCat("file ", file, " byte ", i));
    }
    ASSERT_TRUE(WriteFile(paths_[file], text).ok());
  }
}

// Without an anchor, all that a checkpoint vouches for.
TEST_F(VerifierMutationTest, NoticesEveryByteBeforeTheLastCheckpointWithoutAnAnchor) {
  options_.anchors.clear();
  for (size_t file = 0; file < files_.size(); ++file) {
    const std::string text = Text(files_[file]);
    const size_t vouched_lines = file == 0 ? files_[0].size() : 3;
    size_t end = 0;
    for (size_t i = 0; i < vouched_lines; ++i) end += files_[file][i].size() + 1;
    for (size_t i = 0; i < end; ++i) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
      ExpectNoticed(file, changed, absl::StrCat("file ", file, " byte ", i));
    }
    ASSERT_TRUE(WriteFile(paths_[file], text).ok());
  }
}

TEST_F(VerifierMutationTest, NoticesEveryCutOffEnd) {
  for (size_t file = 0; file < files_.size(); ++file) {
    const std::string text = Text(files_[file]);
    for (size_t size = 0; size < text.size(); size += 7) {
      ExpectNoticed(file, text.substr(0, size), absl::StrCat("file ", file, " size ", size));
    }
    ASSERT_TRUE(WriteFile(paths_[file], text).ok());
  }
}

TEST_F(VerifierMutationTest, NoticesEveryRemovedLine) {
  ForEachLine("removed", [](std::vector<std::string>& lines, size_t i) {
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
    return true;
  });
}

TEST_F(VerifierMutationTest, NoticesEverySwappedPair) {
  ForEachLine("swapped", [](std::vector<std::string>& lines, size_t i) {
    if (i + 1 == lines.size()) return false;
    std::swap(lines[i], lines[i + 1]);
    return true;
  });
}

TEST_F(VerifierMutationTest, NoticesEveryRepeatedLine) {
  ForEachLine("repeated", [](std::vector<std::string>& lines, size_t i) {
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(i), std::string(lines[i]));
    return true;
  });
}

TEST_F(VerifierMutationTest, NoticesThatTheLastFileIsMissing) {
  EXPECT_FALSE(Verify(std::vector<std::string>{paths_[0]}).ok());
}

}  // namespace
}  // namespace keyward::signer
