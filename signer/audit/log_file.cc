#include "signer/audit/log_file.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "signer/audit/audit_line.h"
#include "signer/audit/file_names.h"

namespace keyward::signer {
namespace {

absl::Status InUse() {
  return absl::FailedPreconditionError(
      "is in use by another process; end it, or choose another file");
}

// The group may read, for those who collect logs.
absl::Status CheckMode(const struct stat& info) {
  if (!S_ISREG(info.st_mode)) return absl::FailedPreconditionError("is not a regular file");
  if ((info.st_mode & (S_IWGRP | S_IRWXO)) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrFormat("may be changed by its group or used by everybody (mode %04o); chmod it to "
                      "0600, or to 0640 where its group is to read it",
                      info.st_mode & 07777U));
}

absl::Status CheckFolder(const std::string& path) {
  struct stat info {};
  const std::string folder = FolderOf(path);
  if (stat(folder.c_str(), &info) != 0) return absl::ErrnoToStatus(errno, "its folder");
  if ((info.st_mode & S_IWOTH) == 0 || (info.st_mode & S_ISVTX) != 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "lies in ", folder, ", where everybody may replace it; take the right to write from others"));
}

absl::Status CheckedOpen(const std::string& path, int fd, struct stat* info) {
  if (fd < 0 && errno == ELOOP) {
    return absl::FailedPreconditionError("is a symbolic link; name the file that it stands for");
  }
  if (fd < 0) return absl::ErrnoToStatus(errno, "open");
  if (fstat(fd, info) != 0) return absl::ErrnoToStatus(errno, "stat");
  RETURN_IF_ERROR(CheckMode(*info));
  RETURN_IF_ERROR(CheckFolder(path));
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  return errno == EWOULDBLOCK ? InUse() : absl::ErrnoToStatus(errno, "lock");
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogFile>> LogFile::New(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct stat info {};
  const std::string what = absl::StrCat("audit log ", path);
  RETURN_IF_ERROR(Annotate(CheckedOpen(path, fd.get(), &info), what));
  std::unique_ptr<LogFile> file(new LogFile(path, std::move(fd), info.st_size));
  // Its writer may have closed it between our open and our lock.
  if (!file->CheckOurs().ok()) return Annotate(InUse(), what);
  RETURN_IF_ERROR(Annotate(SyncFolderOf(path), what));
  return file;
}

absl::StatusOr<std::string> LogFile::ReadFirstLine() const {
  std::string line(kMaxLineBytes + 1, '\0');
  const ssize_t count = pread(fd_.get(), line.data(), line.size(), 0);
  if (count < 0) return absl::ErrnoToStatus(errno, "read");
  line.resize(std::min(static_cast<size_t>(count), line.find('\n')));
  return line;
}

absl::Status LogFile::Append(absl::string_view text) {
  RETURN_IF_ERROR(CheckUnchanged());
  absl::string_view rest = text;
  absl::Status status;
  while (status.ok() && !rest.empty()) {
    const ssize_t count = write(fd_.get(), rest.data(), rest.size());
    if (count >= 0) {
      rest.remove_prefix(static_cast<size_t>(count));
    } else if (errno != EINTR) {
      status = absl::ErrnoToStatus(errno, "write");
    }
  }
  if (status.ok() && fdatasync(fd_.get()) != 0) status = absl::ErrnoToStatus(errno, "fdatasync");
  if (status.ok()) {
    size_ += static_cast<off_t>(text.size());
    return status;
  }
  // Half a group must not stay: its callers are told that it is not there. Where it
  // does, CheckUnchanged() finds it.
  if (ftruncate(fd_.get(), size_) != 0) {
    spdlog::error("audit: cannot remove an incomplete record: {}",
                  std::string(absl::ErrnoToStatus(errno, "ftruncate").message()));
  }
  return status;
}

absl::Status LogFile::CutOff(off_t size) {
  if (ftruncate(fd_.get(), size) != 0) return absl::ErrnoToStatus(errno, "ftruncate");
  if (fdatasync(fd_.get()) != 0) return absl::ErrnoToStatus(errno, "fdatasync");
  size_ = size;
  return absl::OkStatus();
}

absl::Status LogFile::Rename(const std::string& path) {
  RETURN_IF_ERROR(CheckUnchanged());
  int failed = renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
  // A file system that cannot promise to replace nothing.
  if (failed != 0 && errno == EINVAL && access(path.c_str(), F_OK) != 0) {
    failed = rename(path_.c_str(), path.c_str());
  }
  if (failed != 0) return absl::ErrnoToStatus(errno, absl::StrCat("rename to ", path));
  path_ = path;
  return SyncFolderOf(path);
}

absl::Status LogFile::CheckOurs() const {
  struct stat ours {};
  struct stat named {};
  if (fstat(fd_.get(), &ours) != 0) return absl::ErrnoToStatus(errno, "fstat");
  if (stat(path_.c_str(), &named) == 0 && named.st_dev == ours.st_dev &&
      named.st_ino == ours.st_ino) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "the file was moved or removed while in use; put it back, or restart to begin a new one");
}

// Whether the file is still the one that its path names, and ends where we left it.
absl::Status LogFile::CheckUnchanged() const {
  RETURN_IF_ERROR(CheckOurs());
  struct stat ours {};
  if (fstat(fd_.get(), &ours) != 0) return absl::ErrnoToStatus(errno, "fstat");
  if (ours.st_size == size_) return absl::OkStatus();
  if (ours.st_size < size_) {
    return absl::DataLossError(
        "records were cut off the file; restart to go on after what is left");
  }
  if (ftruncate(fd_.get(), size_) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "what is behind the last record cannot be removed");
}

bool IsLocked(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return fd.get() >= 0 && flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

absl::Status SyncFolderOf(const std::string& path) {
  const UniqueFd fd(open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, "open folder");
  return fsync(fd.get()) == 0 ? absl::OkStatus() : absl::ErrnoToStatus(errno, "fsync folder");
}

}  // namespace keyward::signer
