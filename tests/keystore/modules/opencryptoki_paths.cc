#include "tests/keystore/modules/opencryptoki_paths.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "tests/keystore/modules/private_mounts.h"
#include "tests/testing/temp_dir.h"

namespace keyward::pkcs11 {
namespace {

namespace fs = std::filesystem;

constexpr char kConfigDir[] = "/etc/opencryptoki";
constexpr char kStateDir[] = "/var/lib/opencryptoki";
constexpr char kTokenDir[] = "/var/lib/opencryptoki/swtok";
constexpr char kObjectDir[] = "/var/lib/opencryptoki/swtok/TOK_OBJ";
// There once the token was initialised.
constexpr char kTokenFile[] = "/var/lib/opencryptoki/swtok/NVTOK.DAT";
// Says that what is in kTokenDir is a test's that was killed.
constexpr char kMarker[] = "/var/lib/opencryptoki/swtok/keyward-test";
constexpr char kTokenLocks[] = "/run/lock/opencryptoki/swtok";
constexpr char kSlotDaemonLock[] = "/run/lock/opencryptoki/LCK..APIlock";
constexpr char kSlotDaemonPid[] = "/run/pkcsslotd.pid";
constexpr char kTokenMemory[] = "/dev/shm/var.lib.opencryptoki.swtok";
// Debian's configuration has another token, whose library makes these.
constexpr char kTpmLocks[] = "/run/lock/opencryptoki/tpm/root";
constexpr char kTpmObjectDir[] = "/var/lib/opencryptoki/tpm/root/TOK_OBJ";
constexpr char kTpmDir[] = "/var/lib/opencryptoki/tpm/root";
constexpr char kTpmMemory[] = "/dev/shm/var.lib.opencryptoki.tpm.root";

constexpr char kConfig[] =
    "version opencryptoki-3.8\n"
    "slot 0\n{\nstdll = libpkcs11_sw.so\n}\n";
// The daemon gives its files to this group, and root must be of it. In a user
// namespace there is no group but root's.
constexpr char kGroups[] = "root:x:0:\npkcs11:x:0:root\n";

class PrivatePaths : public OpenCryptokiPaths {
 public:
  static absl::StatusOr<std::unique_ptr<OpenCryptokiPaths>> Lay() {
    RETURN_IF_ERROR(EnterPrivateNamespaces());
    auto paths = std::make_unique<PrivatePaths>();
    const testing::TempDir& dir = paths->dir_;
    fs::create_directories(dir.File("etc"));
    fs::create_directories(dir.File("lib/swtok/TOK_OBJ"));
    RETURN_IF_ERROR(WriteFile(dir.File("etc/opencryptoki.conf"), kConfig));
    RETURN_IF_ERROR(WriteFile(dir.File("group"), kGroups));
    RETURN_IF_ERROR(paths->Add(Mount::Bind(dir.File("etc"), kConfigDir)));
    RETURN_IF_ERROR(paths->Add(Mount::Bind(dir.File("lib"), kStateDir)));
    RETURN_IF_ERROR(paths->Add(Mount::Bind(dir.File("group"), "/etc/group")));
    RETURN_IF_ERROR(paths->Add(Mount::Tmpfs("/dev/shm")));
    RETURN_IF_ERROR(paths->Add(Mount::Tmpfs("/run")));
    fs::create_directories("/run/lock");
    return paths;
  }

 private:
  absl::Status Add(absl::StatusOr<Mount> mount) {
    RETURN_IF_ERROR(mount.status());
    mounts_.push_back(*std::move(mount));
    return absl::OkStatus();
  }

  testing::TempDir dir_;
  std::vector<Mount> mounts_;
};

class SystemPaths : public OpenCryptokiPaths {
 public:
  static absl::StatusOr<std::unique_ptr<OpenCryptokiPaths>> Borrow() {
    if (geteuid() != 0) return absl::UnavailableError("only root may run pkcsslotd");
    std::unique_ptr<SystemPaths> paths(new SystemPaths(open(kStateDir, O_RDONLY | O_CLOEXEC)));
    // Held by the directory, not in it: nothing is left when the test is killed.
    if (paths->lock_ < 0 || flock(paths->lock_, LOCK_EX) != 0) {
      return absl::ErrnoToStatus(errno, kStateDir);
    }
    if (fs::exists(kMarker)) paths->Clean();
    if (fs::exists(kTokenFile) || fs::exists(kSlotDaemonSocket)) {
      return absl::UnavailableError("this system's openCryptoki is in use; it is left alone");
    }
    RETURN_IF_ERROR(WriteFile(kMarker, ""));
    paths->ours_ = true;
    return paths;
  }
  ~SystemPaths() override {
    if (ours_) Clean();
    if (lock_ >= 0) close(lock_);
  }

 private:
  explicit SystemPaths(int lock) : lock_(lock) {}

  static void Clean() {
    std::error_code ignored;
    for (const char* file : {kTokenMemory, kTpmMemory, kTpmLocks, kSlotDaemonSocket, kSlotDaemonPid,
                             kSlotDaemonLock}) {
      fs::remove_all(file, ignored);
    }
    // Only where they are empty.
    for (const char* directory : {kTpmObjectDir, kTpmDir}) fs::remove(directory, ignored);
    for (const char* directory : {kTokenLocks, kObjectDir}) {
      for (const auto& entry : fs::directory_iterator(directory, ignored)) {
        fs::remove(entry, ignored);
      }
    }
    for (const auto& entry : fs::directory_iterator(kTokenDir, ignored)) {
      // The marker goes last, so that a half-done job is finished next time.
      if (entry.path() != kObjectDir && entry.path() != kMarker) fs::remove(entry, ignored);
    }
    fs::remove(kMarker, ignored);
  }

  const int lock_;
  bool ours_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<OpenCryptokiPaths>> OpenCryptokiPaths::Prepare() {
  if (!fs::exists(kConfigDir) || !fs::exists(kStateDir)) {
    return absl::UnavailableError("openCryptoki is not installed");
  }
  auto laid = PrivatePaths::Lay();
  if (laid.ok()) return laid;
  auto borrowed = SystemPaths::Borrow();
  if (borrowed.ok()) return borrowed;
  return absl::UnavailableError(
      absl::StrCat("openCryptoki cannot run here: ", laid.status().message(), "; ",
                   borrowed.status().message()));
}

}  // namespace keyward::pkcs11
