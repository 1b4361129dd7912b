#include "common/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "common/unique_fd.h"

namespace keyward {
namespace {

absl::Status WriteAll(int fd, absl::string_view contents) {
  while (!contents.empty()) {
    const ssize_t written = write(fd, contents.data(), contents.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return absl::ErrnoToStatus(errno, "write");
    }
    contents.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> OpenToRead(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  return fd;
}

// How many bytes were read; 0 at the file's end.
absl::StatusOr<size_t> ReadSome(int fd, const std::string& path, char* buffer, size_t size) {
  for (;;) {
    const ssize_t count = read(fd, buffer, size);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  }
}

absl::Status TooLong(const std::string& path, size_t max_bytes) {
  return absl::InvalidArgumentError(absl::StrCat(path, " is longer than ", max_bytes, " bytes"));
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenToRead(path));
  std::string contents;
  char buffer[16384];
  for (;;) {
    ASSIGN_OR_RETURN(const size_t count, ReadSome(fd.get(), path, buffer, sizeof(buffer)));
    if (count == 0) return contents;
    contents.append(buffer, count);
    if (contents.size() > max_bytes) return TooLong(path, max_bytes);
  }
}

absl::StatusOr<Secret> ReadSecretFile(const std::string& path, size_t max_bytes) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenToRead(path));
  // One byte to see that there is more. It never grows, which would leave copies.
  std::string buffer(max_bytes + 1, '\0');
  const absl::Cleanup wipe = [&] { WipeString(buffer); };
  for (size_t size = 0; size <= max_bytes;) {
    ASSIGN_OR_RETURN(const size_t count,
                     ReadSome(fd.get(), path, buffer.data() + size, buffer.size() - size));
    if (count == 0) return Secret(buffer.substr(0, size));
    size += count;
  }
  return TooLong(path, max_bytes);
}

absl::Status WriteFile(const std::string& path, absl::string_view contents, unsigned mode) {
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
  absl::Cleanup remove_temporary = [&] { unlink(temporary.c_str()); };
  absl::Status written = WriteAll(fd, contents);
  if (written.ok() && fchmod(fd, mode) != 0) written = absl::ErrnoToStatus(errno, "chmod");
  if (close(fd) != 0 && written.ok()) written = absl::ErrnoToStatus(errno, "close");
  if (written.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    written = absl::ErrnoToStatus(errno, "rename");
  }
  if (!written.ok()) {
    return absl::Status(written.code(),
                        absl::StrCat("cannot write ", path, ": ", written.message()));
  }
  std::move(remove_temporary).Cancel();
  return absl::OkStatus();
}

absl::Status CheckReadable(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError("is a directory");
  }
  if (access(path.c_str(), R_OK) != 0) return absl::ErrnoToStatus(errno, "cannot be read");
  return absl::OkStatus();
}

}  // namespace keyward
