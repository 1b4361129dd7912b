#include "common/server/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace keyward::server {
namespace {

constexpr uid_t kRoot = 0;
constexpr size_t kPasswordEntryBytes = 16384;

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
};

absl::StatusOr<Account> FindUser(const std::string& name) {
  passwd entry = {};
  passwd* found = nullptr;
  std::vector<char> buffer(kPasswordEntryBytes);
  const int error = getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (error != 0) return absl::ErrnoToStatus(error, "cannot look the user up");
  if (found == nullptr) return absl::NotFoundError("no such user on this machine");
  return Account{.uid = entry.pw_uid, .gid = entry.pw_gid};
}

using CapabilityWords = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

// glibc has no functions for these two.
absl::StatusOr<CapabilityWords> Capabilities() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  CapabilityWords words = {};
  if (syscall(SYS_capget, &header, words.data()) != 0) return absl::ErrnoToStatus(errno, "capget");
  return words;
}

absl::Status SetNoCapabilities() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const CapabilityWords none = {};
  if (syscall(SYS_capset, &header, none.data()) == 0) return absl::OkStatus();
  return absl::InternalError(absl::ErrnoToStatus(errno, "capset").message());
}

bool HasAny(const CapabilityWords& words) {
  for (const __user_cap_data_struct& word : words) {
    if ((word.effective | word.permitted | word.inheritable) != 0) return true;
  }
  return false;
}

// Takes them out of what a program that is run could get. Needs CAP_SETPCAP, so it works
// for root only, and only where root has it.
void EmptyBoundingSet() {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
}

// A system-call filter may forbid capset(2), which is not called where there are none.
absl::Status DropCapabilities() {
  ASSIGN_OR_RETURN(const CapabilityWords before, Capabilities());
  if (!HasAny(before)) return absl::OkStatus();
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  RETURN_IF_ERROR(SetNoCapabilities());
  ASSIGN_OR_RETURN(const CapabilityWords after, Capabilities());
  return HasAny(after) ? absl::InternalError("capabilities are still there") : absl::OkStatus();
}

absl::Status Become(const Account& account, const std::string& name) {
  if (initgroups(name.c_str(), account.gid) != 0 ||
      setresgid(account.gid, account.gid, account.gid) != 0 ||
      setresuid(account.uid, account.uid, account.uid) != 0) {
    return absl::InternalError(absl::ErrnoToStatus(errno, "cannot become the user").message());
  }
  return absl::OkStatus();
}

// That there is no way back to root, by trying.
absl::Status CheckNoWayBack(const Account& account) {
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  const bool is_user = getresuid(&real, &effective, &saved) == 0 && real == account.uid &&
                       effective == account.uid && saved == account.uid;
  if (!is_user || setresuid(kRoot, kRoot, kRoot) == 0 ||
      (account.gid != 0 && setresgid(0, 0, 0) == 0)) {
    return absl::InternalError("root's privileges are not gone");
  }
  return absl::OkStatus();
}

absl::Status BecomeUser(const std::string& user) {
  ASSIGN_OR_RETURN(const Account account, FindUser(user));
  if (geteuid() == account.uid && getuid() == account.uid) return absl::OkStatus();
  if (geteuid() != kRoot) {
    return absl::FailedPreconditionError(
        absl::StrCat("only root can become ", user, ": start it as root, or as ", user));
  }
  EmptyBoundingSet();
  RETURN_IF_ERROR(Become(account, user));
  RETURN_IF_ERROR(CheckNoWayBack(account));
  // Becoming another user has switched dumps on again where the system allows it.
  if (prctl(PR_SET_DUMPABLE, 0) == 0) return absl::OkStatus();
  return absl::InternalError("cannot switch core dumps off");
}

}  // namespace

absl::Status DropPrivileges(const std::string& user) {
  if (!user.empty()) RETURN_IF_ERROR(BecomeUser(user));
  if (geteuid() == kRoot) {
    spdlog::warn("running as root: set `user` to one that owns only this daemon's files");
    EmptyBoundingSet();
  }
  return DropCapabilities();
}

}  // namespace keyward::server
