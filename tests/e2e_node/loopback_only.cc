#include "tests/e2e_node/loopback_only.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status_macros.h"

namespace keyward::testing {
namespace {

absl::Status Unavailable(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", strerror(errno)));
}

// These files take one write each; a stream would make several.
absl::Status WriteOnce(const char* path, const std::string& text) {
  FILE* file = fopen(path, "we");
  if (file == nullptr) return Unavailable(path);
  const bool written = fwrite(text.data(), 1, text.size(), file) == text.size();
  return fclose(file) == 0 && written ? absl::OkStatus() : Unavailable(path);
}

// user_namespaces(7): who may not make a network namespace may in a user namespace of
// its own, in which it stays who it was.
absl::Status UnshareAsUser() {
  const std::string user = absl::StrCat(geteuid(), " ", geteuid(), " 1\n");
  const std::string group = absl::StrCat(getegid(), " ", getegid(), " 1\n");
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return Unavailable("unshare");
  RETURN_IF_ERROR(WriteOnce("/proc/self/setgroups", "deny"));
  RETURN_IF_ERROR(WriteOnce("/proc/self/uid_map", user));
  return WriteOnce("/proc/self/gid_map", group);
}

// netdevice(7).
absl::Status RaiseLoopback() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Unavailable("socket");
  ifreq request{};
  (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "lo");
  bool raised = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
  if (raised) {
    request.ifr_flags = static_cast<int16_t>(request.ifr_flags | IFF_UP);
    raised = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  }
  const absl::Status status = raised ? absl::OkStatus() : Unavailable("ioctl on lo");
  close(fd);
  return status;
}

}  // namespace

absl::Status EnterLoopbackOnlyNetwork() {
  if (unshare(CLONE_NEWNET) != 0) RETURN_IF_ERROR(UnshareAsUser());
  return RaiseLoopback();
}

}  // namespace keyward::testing
