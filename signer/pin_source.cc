#include "signer/pin_source.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::signer {
namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

absl::Status CheckFile(int fd, bool must_be_private) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return absl::ErrnoToStatus(errno, "cannot be inspected");
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError("is no regular file");
  if (must_be_private && (info.st_mode & kOthers) != 0) {
    return absl::FailedPreconditionError("others than its owner can access it: chmod 600 it");
  }
  return absl::OkStatus();
}

// Opens without waiting for the writer of a FIFO, which CheckFile() refuses.
absl::StatusOr<int> Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return absl::ErrnoToStatus(errno, "cannot be opened");
  return fd;
}

// Reads into a buffer that is wiped, not through a growing string.
absl::StatusOr<Secret> ReadFirstLine(const std::string& path, bool must_be_private) {
  ASSIGN_OR_RETURN(const int fd, Open(path));
  absl::Cleanup close_fd = [fd] { close(fd); };
  RETURN_IF_ERROR(CheckFile(fd, must_be_private));
  // The longest PIN, a line's end, and one byte to see that there is more.
  std::array<char, kMaxPinBytes + 3> buffer;
  absl::Cleanup wipe = [&] { OPENSSL_cleanse(buffer.data(), buffer.size()); };
  size_t size = 0;
  while (size < buffer.size()) {
    const ssize_t count = read(fd, buffer.data() + size, buffer.size() - size);
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

absl::StatusOr<std::string> CredentialPath(const std::string& name) {
  const char* directory = getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0') {
    return absl::NotFoundError(
        "CREDENTIALS_DIRECTORY is not set: start the signer with systemd's LoadCredential=");
  }
  return absl::StrCat(directory, "/", name);
}

absl::StatusOr<Secret> ReadVariable(const std::string& name) {
  const char* value = getenv(name.c_str());
  if (value == nullptr) return absl::NotFoundError("is not set");
  return Secret(std::string(value));
}

// In place: the bytes would stay readable in /proc/PID/environ.
void ForgetVariable(const std::string& name) {
  if (char* value = getenv(name.c_str())) OPENSSL_cleanse(value, strlen(value));
  unsetenv(name.c_str());
}

absl::Status CheckText(absl::string_view pin) {
  if (pin.empty()) return absl::InvalidArgumentError("holds no PIN, it is empty");
  if (pin.size() > kMaxPinBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("holds a PIN longer than ", kMaxPinBytes, " bytes"));
  }
  if (std::any_of(pin.begin(), pin.end(), absl::ascii_iscntrl)) {
    return absl::InvalidArgumentError("holds a PIN with control characters");
  }
  return absl::OkStatus();
}

absl::StatusOr<Secret> ReadUnchecked(const PinSource& source) {
  switch (source.kind) {
    case PinSource::Kind::kFile:
      return ReadFirstLine(source.name, /*must_be_private=*/true);
    case PinSource::Kind::kEnvironment:
      return ReadVariable(source.name);
    case PinSource::Kind::kCredential: {
      ASSIGN_OR_RETURN(const std::string path, CredentialPath(source.name));
      return ReadFirstLine(path, /*must_be_private=*/false);
    }
  }
  return absl::InternalError("unknown kind of PIN source");
}

absl::StatusOr<Secret> ReadChecked(const PinSource& source) {
  absl::StatusOr<Secret> pin = ReadUnchecked(source);
  const absl::Status status = pin.ok() ? CheckText(pin->Expose()) : pin.status();
  if (!status.ok()) return Annotate(status, absl::StrCat("PIN from ", source.Describe()));
  return pin;
}

}  // namespace

std::string PinSource::Describe() const {
  switch (kind) {
    case Kind::kFile:
      return absl::StrCat("file ", name);
    case Kind::kEnvironment:
      return absl::StrCat("environment variable ", name);
    case Kind::kCredential:
      return absl::StrCat("systemd credential ", name);
  }
  return "unknown source";
}

absl::StatusOr<Secret> ReadPin(const PinSource& source) {
  absl::StatusOr<Secret> pin = ReadChecked(source);
  if (source.kind == PinSource::Kind::kEnvironment) ForgetVariable(source.name);
  return pin;
}

absl::Status CheckPin(const PinSource& source) { return ReadChecked(source).status(); }

absl::Status CheckPrivate(const std::string& path) {
  ASSIGN_OR_RETURN(const int fd, Open(path));
  absl::Cleanup close_fd = [fd] { close(fd); };
  return CheckFile(fd, /*must_be_private=*/true);
}

}  // namespace keyward::signer
