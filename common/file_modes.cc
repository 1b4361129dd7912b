#include "common/file_modes.h"

#include <sys/stat.h>

#include <filesystem>

namespace keyward {
namespace {

// The mode of what is at `path`, where a link leads; 0 where nothing can be seen.
mode_t ModeOf(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_mode : 0;
}

}  // namespace

absl::Status CheckOnlyOwnerWrites(const std::string& path) {
  if ((ModeOf(path) & (S_IWGRP | S_IWOTH)) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError("others than its owner can write it: chmod go-w it");
}

absl::Status CheckClosedToOthers(const std::string& path) {
  if ((ModeOf(path) & S_IWOTH) != 0) {
    return absl::FailedPreconditionError("everybody on this machine can write it: chmod 600 it");
  }
  if ((ModeOf(path) & S_IROTH) != 0) {
    return absl::FailedPreconditionError("everybody on this machine can read it: chmod 600 it");
  }
  std::string folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  if ((ModeOf(folder) & S_IWOTH) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "everybody on this machine can write its folder: chmod o-w the folder");
}

}  // namespace keyward
