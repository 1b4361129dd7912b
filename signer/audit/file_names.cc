#include "signer/audit/file_names.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/status_macros.h"

namespace keyward::signer {
namespace {

namespace fs = std::filesystem;

constexpr char kClosed[] = ".jsonl";
constexpr char kUnchained[] = ".jsonl.unchained";
constexpr size_t kDigits = 12;

// "log/audit-" of "log/audit.jsonl".
std::string ClosedPrefix(const std::string& active) {
  return absl::StrCat(fs::path(active).replace_extension().string(), "-");
}

std::string TornPrefix(const std::string& active) { return absl::StrCat(active, ".torn-"); }

std::string Numbered(absl::string_view prefix, uint64_t sequence, absl::string_view suffix) {
  return absl::StrCat(prefix, absl::Dec(sequence, absl::kZeroPad12), suffix);
}

// Whether `number` is digits alone, `min_digits` or more.
bool ParseNumber(absl::string_view number, size_t min_digits, uint64_t* sequence) {
  return number.size() >= min_digits &&
         std::all_of(number.begin(), number.end(),
                     [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }) &&
         absl::SimpleAtoi(number, sequence);
}

// The files whose path is `prefix`, at least `min_digits` digits and `suffix`.
absl::StatusOr<std::vector<NumberedFile>> FindNumbered(const std::string& prefix, size_t min_digits,
                                                       absl::string_view suffix) {
  const std::string name_prefix = fs::path(prefix).filename();
  std::vector<NumberedFile> found;
  std::error_code error;
  for (fs::directory_iterator it(FolderOf(prefix), error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename();
    absl::string_view number = name;
    uint64_t sequence = 0;
    if (absl::ConsumePrefix(&number, name_prefix) && absl::ConsumeSuffix(&number, suffix) &&
        ParseNumber(suffix.empty() ? number.substr(0, number.find('-')) : number, min_digits,
                    &sequence)) {
      found.push_back({(fs::path(prefix).parent_path() / name).string(), sequence});
    }
  }
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot list ", FolderOf(prefix), ": ", error.message()));
  }
  std::sort(found.begin(), found.end(),
            [](const NumberedFile& a, const NumberedFile& b) { return a.sequence < b.sequence; });
  return found;
}

}  // namespace

std::string ClosedFileName(const std::string& active, uint64_t first_sequence) {
  return Numbered(ClosedPrefix(active), first_sequence, kClosed);
}

std::string UnchainedFileName(const std::string& active, uint64_t first_sequence) {
  return Numbered(ClosedPrefix(active), first_sequence, kUnchained);
}

std::string TornFileName(const std::string& active, uint64_t sequence, int copy) {
  return absl::StrCat(TornPrefix(active), sequence, copy > 1 ? absl::StrCat("-", copy) : "");
}

absl::StatusOr<std::vector<NumberedFile>> FindClosedFiles(const std::string& active) {
  return FindNumbered(ClosedPrefix(active), kDigits, kClosed);
}

absl::StatusOr<std::vector<NumberedFile>> FindUnchainedFiles(const std::string& active) {
  return FindNumbered(ClosedPrefix(active), kDigits, kUnchained);
}

absl::StatusOr<std::vector<NumberedFile>> FindTornFiles(const std::string& active) {
  // With or without the number of the copy; one that is still being written ends otherwise.
  ASSIGN_OR_RETURN(std::vector<NumberedFile> files, FindNumbered(TornPrefix(active), 1, ""));
  files.erase(std::remove_if(files.begin(), files.end(),
                             [](const NumberedFile& file) {
                               return absl::EndsWith(file.path, kPartialSuffix);
                             }),
              files.end());
  return files;
}

std::string FolderOf(const std::string& path) {
  const std::string folder = fs::path(path).parent_path();
  return folder.empty() ? "." : folder;
}

}  // namespace keyward::signer
