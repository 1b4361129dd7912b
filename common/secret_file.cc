#include "common/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/locked_pages.h"
#include "common/status_macros.h"
#include "common/unique_fd.h"

namespace keyward {
namespace {

// Opens without waiting for the writer of a FIFO, which is refused.
absl::StatusOr<UniqueFd> Open(const std::string& path, mode_t forbidden) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, "cannot be opened");
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return absl::ErrnoToStatus(errno, "cannot be inspected");
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError("is no regular file");
  if ((info.st_mode & forbidden) != 0) {
    return absl::FailedPreconditionError("others than its owner can access it: chmod 600 it");
  }
  return fd;
}

}  // namespace

absl::StatusOr<Secret> ReadSecretLine(const std::string& path, mode_t forbidden) {
  ASSIGN_OR_RETURN(const UniqueFd fd, Open(path, forbidden));
  // The longest secret, a line's end, and one byte to see that there is more.
  constexpr size_t kRoom = kMaxSecretBytes + 3;
  auto pages = std::make_unique<LockedPages>(kRoom);
  char* const buffer = pages->bytes().data();
  size_t size = 0;
  while (size < kRoom) {
    const ssize_t count = read(fd.get(), buffer + size, kRoom - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return absl::ErrnoToStatus(errno, "cannot be read");
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  absl::string_view line(buffer, size);
  line = line.substr(0, line.find('\n'));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return Secret(std::move(pages), line.size());
}

absl::Status CheckFileMode(const std::string& path, mode_t forbidden) {
  return Open(path, forbidden).status();
}

}  // namespace keyward
