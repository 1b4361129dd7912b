#include "common/secret_file.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/string_view.h"
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
  std::array<char, kMaxSecretBytes + 3> buffer;
  absl::Cleanup wipe = [&] { OPENSSL_cleanse(buffer.data(), buffer.size()); };
  size_t size = 0;
  while (size < buffer.size()) {
    const ssize_t count = read(fd.get(), buffer.data() + size, buffer.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return absl::ErrnoToStatus(errno, "cannot be read");
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  absl::string_view line(buffer.data(), size);
  line = line.substr(0, line.find('\n'));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return Secret(std::string(line));
}

absl::Status CheckFileMode(const std::string& path, mode_t forbidden) {
  return Open(path, forbidden).status();
}

}  // namespace keyward
