#include "signer/audit/audit_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/file.h"
#include "signer/audit/file_names.h"
#include "tests/signer/audit/log_builder.h"
#include "tests/testing/code_and_reason.h"
#include "tests/testing/temp_dir.h"

namespace keyward::signer {
namespace {

using testing::CodeAndReason;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<uint64_t> Numbers(uint64_t first, uint64_t last) {
  std::vector<uint64_t> numbers(last - first + 1);
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}

class AuditReaderTest : public ::testing::Test {
 protected:
  struct Got {
    std::vector<uint64_t> numbers;
    ReadEnd end;
  };

  // As the signer names the files.
  void Write(const testing::LogFiles& files) {
    for (size_t i = 0; i < files.size(); ++i) {
      const std::string text = absl::StrJoin(files[i], "\n") + "\n";
      const auto start = ParseLineStart(files[i][0]);
      WriteText(i + 1 == files.size() ? file_ : ClosedFileName(file_, start->sequence), text);
    }
  }

  static void WriteText(const std::string& path, const std::string& text) {
    ASSERT_TRUE(WriteFile(path, text).ok());
  }

  Got Read(const ReadRange& range, size_t at_most = SIZE_MAX) const {
    Got got;
    const auto end =
        AuditReader(file_).Read(range, [&](absl::string_view line, const LineStart& s) {
          EXPECT_EQ(line.back(), '}');
          got.numbers.push_back(s.sequence);
          return got.numbers.size() < at_most;
        });
    EXPECT_TRUE(end.ok()) << end.status();
    if (end.ok()) got.end = *end;
    return got;
  }

  Got ReadBackwards(const ReadRange& range, size_t at_most = SIZE_MAX) const {
    Got got;
    const auto end = AuditReader(file_).ReadBackwards(
        range, [&](absl::string_view /*line*/, const LineStart& s) {
          got.numbers.push_back(s.sequence);
          return got.numbers.size() < at_most;
        });
    EXPECT_TRUE(end.ok()) << end.status();
    if (end.ok()) got.end = *end;
    return got;
  }

  const testing::TempDir dir_;
  const std::string file_ = dir_.File("audit.jsonl");
};

TEST_F(AuditReaderTest, ReadsAcrossFiles) {
  Write(testing::LogBuilder().Add(2).Rotate().Add(2).Rotate().Add(2).files());
  const Got got = Read({});
  EXPECT_EQ(got.numbers, Numbers(1, 11));
  EXPECT_EQ(got.end.last_sequence, 11U);
  EXPECT_TRUE(got.end.at_end);
  for (uint64_t after = 0; after < 11; ++after) {
    EXPECT_EQ(Read({.after_sequence = after}).numbers, Numbers(after + 1, 11));
  }
  EXPECT_THAT(Read({.after_sequence = 11}).numbers, IsEmpty());
  EXPECT_TRUE(Read({.after_sequence = 1000}).end.at_end);
  EXPECT_EQ(Read({.after_sequence = 1000}).end.last_sequence, 1000U);
}

TEST_F(AuditReaderTest, FindsEveryPlaceInALongFile) {
  Write(testing::LogBuilder().Add(3000).Rotate().Add(3000).files());
  for (uint64_t after = 0; after < 6003; after += 97) {
    EXPECT_THAT(Read({.after_sequence = after}, 2).numbers, ElementsAre(after + 1, after + 2));
  }
  // A place is found without reading what is before it.
  EXPECT_THAT(Read({.after_sequence = 2500, .max_bytes = 300 * 1000}).numbers.size(),
              ::testing::Gt(50U));
}

TEST_F(AuditReaderTest, StopsAtItsLimits) {
  Write(testing::LogBuilder().Add(8).files());
  EXPECT_EQ(Read({.after_sequence = 2, .up_to_sequence = 5}).numbers, Numbers(3, 5));
  EXPECT_TRUE(Read({.up_to_sequence = 5}).end.at_end);
  const Got cut = Read({.max_bytes = 1});
  EXPECT_THAT(cut.numbers, ElementsAre(1));
  EXPECT_FALSE(cut.end.at_end);
  EXPECT_FALSE(Read({}, 3).end.at_end);
  EXPECT_EQ(Read({}, 3).end.last_sequence, 3U);
}

TEST_F(AuditReaderTest, GivesNoLineWithoutItsEnd) {
  Write(testing::LogBuilder().Add(3).files());
  const std::string text = ReadFile(file_).value_or("");
  WriteText(file_, text.substr(0, text.size() - 1));
  EXPECT_EQ(Read({}).numbers, Numbers(1, 3));
  EXPECT_EQ(ReadBackwards({}, 1).numbers, Numbers(3, 3));
  WriteText(file_, text);
  EXPECT_EQ(Read({.after_sequence = 3}).numbers, Numbers(4, 4));
}

TEST_F(AuditReaderTest, PassesOverWhatIsNoRecord) {
  testing::LogFiles files = testing::LogBuilder().Add(3).files();
  files[0].insert(files[0].begin() + 1, "garbage");
  files[0].insert(files[0].begin() + 1, std::string(200000, 'x'));
  Write(files);
  EXPECT_EQ(Read({}).numbers, Numbers(1, 4));
  EXPECT_EQ(Read({.after_sequence = 1}).numbers, Numbers(2, 4));
  EXPECT_THAT(ReadBackwards({}).numbers, ElementsAre(4, 3, 2, 1));
}

TEST_F(AuditReaderTest, ReadsBackwardsAcrossFiles) {
  Write(testing::LogBuilder().Add(3000).Rotate().Add(2).files());
  std::vector<uint64_t> all = Numbers(1, 3005);
  std::reverse(all.begin(), all.end());
  EXPECT_EQ(ReadBackwards({}).numbers, all);
  EXPECT_THAT(ReadBackwards({}, 4).numbers, ElementsAre(3005, 3004, 3003, 3002));
  EXPECT_EQ(ReadBackwards({}, 4).end.last_sequence, 3005U);
  EXPECT_THAT(ReadBackwards({.after_sequence = 3002, .up_to_sequence = 3004}).numbers,
              ElementsAre(3004, 3003));
  const Got cut = ReadBackwards({.max_bytes = 1000});
  EXPECT_FALSE(cut.end.at_end);
  EXPECT_LT(cut.numbers.size(), 3000U);
}

TEST_F(AuditReaderTest, SaysWhereThereIsNoLog) {
  EXPECT_EQ(CodeAndReason(AuditReader(file_).Read({}, [](auto, auto&) { return true; }).status()),
            "UNAVAILABLE AUDIT_FILE_UNREADABLE");
}

TEST_F(AuditReaderTest, SurvivesAnArchivedFile) {
  Write(testing::LogBuilder().Add(2).Rotate().Add(2).Rotate().Add(2).files());
  std::filesystem::remove(ClosedFileName(file_, 5));
  EXPECT_THAT(Read({}).numbers, ElementsAre(1, 2, 3, 4, 9, 10, 11));
  EXPECT_THAT(Read({.after_sequence = 6}).numbers, ElementsAre(9, 10, 11));
}

// A reader that pages through sees each record once while files are closed, renamed and
// begun.
TEST_F(AuditReaderTest, MissesNothingWhileFilesAreRenamed) {
  testing::LogBuilder log;
  for (int i = 0; i < 40; ++i) log.Add(50).Rotate();
  const testing::LogFiles files = log.files();
  const uint64_t last = log.last().sequence;
  std::atomic<bool> written = false;
  std::thread writer([&] {
    uint64_t closed = 0;
    for (const auto& lines : files) {
      if (closed > 0) std::filesystem::rename(file_, ClosedFileName(file_, closed));
      closed = ParseLineStart(lines[0])->sequence;
      FILE* out = std::fopen(file_.c_str(), "a");
      for (const std::string& line : lines) {
        // In pieces, as a group is that does not fit.
        std::fputs(line.substr(0, 40).c_str(), out);
        std::fflush(out);
        std::fputs((line.substr(40) + "\n").c_str(), out);
        std::fflush(out);
      }
      std::fclose(out);
    }
    written = true;
  });
  std::vector<uint64_t> seen;
  uint64_t after = 0;
  while (after < last) {
    const bool was_written = written;
    const auto end = AuditReader(file_).Read({.after_sequence = after, .max_bytes = 5000},
                                             [&](absl::string_view, const LineStart& start) {
                                               seen.push_back(start.sequence);
                                               return true;
                                             });
    if (end.ok()) after = end->last_sequence;
    if (was_written && end.ok() && end->at_end) break;
  }
  writer.join();
  EXPECT_EQ(seen, Numbers(1, last));
}

}  // namespace
}  // namespace keyward::signer
