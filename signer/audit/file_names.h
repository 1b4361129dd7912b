// How the audit log's files are called.
#ifndef KEYWARD_SIGNER_AUDIT_FILE_NAMES_H_
#define KEYWARD_SIGNER_AUDIT_FILE_NAMES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace keyward::signer {

// In all of these `active` is the path of the file that is being written,
// "log/audit.jsonl". The others lie beside it.

// "log/audit-000000000123.jsonl", where the first record's number is 123.
std::string ClosedFileName(const std::string& active, uint64_t first_sequence);

// "log/audit-000000000123.jsonl.unchained": a file from before records had `previous`.
std::string UnchainedFileName(const std::string& active, uint64_t first_sequence);

// "log/audit.jsonl.torn-123": the unfinished line that would have been record 123; for
// `copy` 2 and more, where another crash left one of the same number, "….torn-123-2".
std::string TornFileName(const std::string& active, uint64_t sequence, int copy = 1);

// Behind the name of a torn line's file while it is being written.
inline constexpr char kPartialSuffix[] = "-partial";

struct NumberedFile {
  std::string path;
  uint64_t sequence = 0;
};

// Those that are there, by number. Errors: why the folder cannot be read.
absl::StatusOr<std::vector<NumberedFile>> FindClosedFiles(const std::string& active);
absl::StatusOr<std::vector<NumberedFile>> FindUnchainedFiles(const std::string& active);
absl::StatusOr<std::vector<NumberedFile>> FindTornFiles(const std::string& active);

// The folder of `path`, "." where it names none.
std::string FolderOf(const std::string& path);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_FILE_NAMES_H_
