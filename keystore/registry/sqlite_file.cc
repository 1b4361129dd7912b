#include "keystore/registry/sqlite_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/registry/sql_values.h"

namespace keyward::registry {
namespace {

// One page of the smallest size (SQLite's file format, section 1.3). A shorter
// file is an empty database to SQLite, which would write over a stray PIN file.
constexpr off_t kSmallestDatabase = 512;

// The system's words for `error`, an errno.
std::string Reason(int error) { return std::generic_category().message(error); }

absl::Status CheckWritable(const std::string& path, mode_t mode, int access_mode) {
  if ((mode & (S_IWUSR | S_IWGRP | S_IWOTH)) == 0) {
    return RegistryReadOnly(path, "its mode lets nobody write");
  }
  if (faccessat(AT_FDCWD, path.c_str(), access_mode, AT_EACCESS) == 0) return absl::OkStatus();
  return RegistryReadOnly(path, Reason(errno));
}

absl::Status CheckFolder(const std::string& folder) {
  struct stat info {};
  if (stat(folder.c_str(), &info) != 0) {
    return RegistryUnavailable(
        absl::StrCat("cannot use ", folder, ", the folder of the registry: ", Reason(errno)));
  }
  if (!S_ISDIR(info.st_mode)) {
    return RegistryUnavailable(
        absl::StrCat("cannot create the registry: ", folder, " is not a folder"));
  }
  return CheckWritable(folder, info.st_mode, W_OK | X_OK);
}

// SOCI parses its connection string, without a way to quote everything.
absl::Status CheckSpelling(const std::string& path) {
  const bool is_parsed = absl::StrContains(path, '=') && absl::StrContains(path, ' ');
  if (!path.empty() && !is_parsed && path.find('\0') == std::string::npos) return absl::OkStatus();
  return RegistryUnavailable(
      "the registry's path must not be empty, hold a NUL, or hold both a space and an "
      "equals sign; choose another path");
}

}  // namespace

absl::Status RegistryUnavailable(absl::string_view message) {
  return Error(absl::StatusCode::kUnavailable, "REGISTRY_UNAVAILABLE", message);
}

absl::Status RegistryReadOnly(absl::string_view path, absl::string_view why) {
  return Error(absl::StatusCode::kFailedPrecondition, "REGISTRY_READ_ONLY",
               absl::StrCat("the registry cannot be written: ", path, ": ", why,
                            "; let keyward-signer write the file and its folder"));
}

absl::StatusOr<std::string> PrepareSqliteFile(const std::string& path) {
  RETURN_IF_ERROR(CheckSpelling(path));
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return RegistryUnavailable(absl::StrCat(path, ": ", error.message()));
  RETURN_IF_ERROR(CheckSpelling(absolute.string()));
  RETURN_IF_ERROR(CheckFolder(absolute.parent_path().string()));

  const std::string file = absolute.string();
  if (mknod(file.c_str(), S_IFREG | S_IRUSR | S_IWUSR, 0) != 0 && errno != EEXIST) {
    return RegistryUnavailable(absl::StrCat("cannot create ", file, ": ", Reason(errno)));
  }
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) {
    return RegistryUnavailable(absl::StrCat("cannot use ", file, ": ", Reason(errno)));
  }
  if (!S_ISREG(info.st_mode)) {
    return RegistryUnavailable(absl::StrCat("the registry's path is not a file: ", file));
  }
  RETURN_IF_ERROR(CheckWritable(file, info.st_mode, R_OK | W_OK));
  if (info.st_size > 0 && info.st_size < kSmallestDatabase) {
    return RegistryCorrupt(absl::StrCat(file, " is not a database"));
  }
  return file;
}

}  // namespace keyward::registry
