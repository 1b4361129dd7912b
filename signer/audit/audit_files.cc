#include "signer/audit/audit_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "signer/audit/audit_line.h"

namespace keyward::signer {
namespace {

namespace fs = std::filesystem;

// A damaged beginning does not hide where a file belongs.
constexpr int kLinesLookedAt = 100;
// While a log is written, files are renamed now and then; not this often.
constexpr int kListings = 5;

struct Opened {
  AuditFile file;
  // Of the first record, so that of two that begin with the same number the older is first.
  std::string first_time;
};

absl::StatusOr<std::set<std::string>> Expand(const std::vector<std::string>& paths) {
  std::set<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.insert(path);
      continue;
    }
    for (fs::directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->path().extension() == ".jsonl") files.insert(entry->path().string());
    }
    if (error) {
      return Error(absl::StatusCode::kUnavailable, "AUDIT_FILE_UNREADABLE",
                   absl::StrCat(path, " cannot be read: ", error.message()));
    }
  }
  return files;
}

absl::StatusOr<Opened> Open(const std::string& path) {
  ASSIGN_OR_RETURN(UniqueFd fd, OpenForReading(path));
  LineReader reader(path, std::move(fd), kMaxLineBytes);
  uint64_t first_sequence = 0;
  std::string first_time;
  for (int i = 0; i < kLinesLookedAt; ++i) {
    ASSIGN_OR_RETURN(const LineReader::Line line, reader.Next());
    if (line.kind == LineReader::Kind::kEnd) break;
    const auto start = ParseLineStart(line.text);
    if (line.kind != LineReader::Kind::kLine || !start) continue;
    first_sequence = start->sequence;
    first_time = std::string(start->time);
    break;
  }
  return Opened{{path, reader.TakeFd(), first_sequence}, std::move(first_time)};
}

bool ComesBefore(const Opened& a, const Opened& b) {
  // 0, for none, comes last.
  return std::tuple(a.file.first_sequence - 1, a.first_time, a.file.path) <
         std::tuple(b.file.first_sequence - 1, b.first_time, b.file.path);
}

absl::StatusOr<std::vector<Opened>> OpenAll(const std::set<std::string>& paths) {
  std::set<std::pair<dev_t, ino_t>> seen;
  std::vector<Opened> all;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(Opened opened, Open(path));
    struct stat status {};
    if (fstat(opened.file.fd.get(), &status) == 0 &&
        !seen.emplace(status.st_dev, status.st_ino).second) {
      continue;
    }
    all.push_back(std::move(opened));
  }
  return all;
}

}  // namespace

absl::StatusOr<std::vector<AuditFile>> OpenAuditFiles(const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(std::set<std::string> files, Expand(paths));
  absl::StatusOr<std::vector<Opened>> opened = OpenAll(files);
  for (int i = 1; i < kListings; ++i) {
    // The file that was being written may have been renamed meanwhile.
    ASSIGN_OR_RETURN(std::set<std::string> now, Expand(paths));
    if (now == files) break;
    files = std::move(now);
    opened = OpenAll(files);
  }
  if (!opened.ok()) return opened.status();
  if (opened->empty()) {
    return Error(absl::StatusCode::kInvalidArgument, "AUDIT_FILES_MISSING",
                 "there is no audit file: name files, or a directory with *.jsonl in it");
  }
  std::vector<size_t> order(opened->size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return ComesBefore((*opened)[a], (*opened)[b]); });
  std::vector<AuditFile> sorted;
  for (const size_t i : order) sorted.push_back(std::move((*opened)[i].file));
  return sorted;
}

}  // namespace keyward::signer
