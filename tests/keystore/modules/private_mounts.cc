#include "tests/keystore/modules/private_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace keyward::pkcs11 {
namespace {

// Not WriteFile(): these files of /proc take one write and no renaming.
absl::Status WriteProc(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool written = fd >= 0 && write(fd, text.data(), text.size()) >= 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  return written ? absl::OkStatus() : absl::ErrnoToStatus(error, path);
}

// Root in a namespace where we are the only user (user_namespaces(7)).
absl::Status EnterUserNamespace() {
  const uid_t user = geteuid();
  const gid_t group = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC) != 0) {
    return absl::PermissionDeniedError(absl::StrCat(
        "no mount namespace of one's own: ", absl::ErrnoToStatus(errno, "unshare(2)").message()));
  }
  RETURN_IF_ERROR(WriteProc("/proc/self/setgroups", "deny"));
  RETURN_IF_ERROR(WriteProc("/proc/self/uid_map", absl::StrCat("0 ", user, " 1")));
  return WriteProc("/proc/self/gid_map", absl::StrCat("0 ", group, " 1"));
}

absl::Status Enter() {
  if (unshare(CLONE_NEWNS | CLONE_NEWIPC) != 0) RETURN_IF_ERROR(EnterUserNamespace());
  // Where mounts are shared, ours would be seen outside all the same.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return absl::ErrnoToStatus(errno, "making / a private mount");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status EnterPrivateNamespaces() {
  static const absl::Status entered = Enter();
  return entered;
}

Mount::Mount(std::string target) : target_(std::move(target)) {}

Mount::Mount(Mount&& other) noexcept : target_(std::exchange(other.target_, "")) {}

Mount::~Mount() {
  if (!target_.empty()) umount2(target_.c_str(), MNT_DETACH);
}

absl::StatusOr<Mount> Mount::Bind(const std::string& source, const std::string& target) {
  if (mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) == 0) return Mount(target);
  return absl::ErrnoToStatus(errno, absl::StrCat("binding ", target));
}

absl::StatusOr<Mount> Mount::Tmpfs(const std::string& target) {
  if (mount("tmpfs", target.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") == 0) {
    return Mount(target);
  }
  return absl::ErrnoToStatus(errno, absl::StrCat("mounting a tmpfs on ", target));
}

}  // namespace keyward::pkcs11
