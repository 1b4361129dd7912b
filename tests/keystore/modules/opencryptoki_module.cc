// openCryptoki's software token, with a daemon of the test's own.
#include <dlfcn.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status_macros.h"
#include "tests/keystore/modules/opencryptoki_paths.h"
#include "tests/keystore/modules/test_module.h"
#include "tests/testing/subprocess.h"

namespace keyward::pkcs11 {
namespace {

constexpr char kLabel[] = "keyward-acceptance";
// What a new token has; nothing works before both PINs were changed.
constexpr char kFirstSoPin[] = "87654321";
// Eight characters are the most that this token takes.
constexpr char kSoPin[] = "937105so";
constexpr char kFirstUserPin[] = "first-48";
constexpr char kUserPin[] = "648219us";

// LeakSanitizer knows a leak by its library's name, as long as the library is there
// when it looks: at the end. See cmake/lsan.supp.
void KeepForLeakSanitizer() {
#ifdef __SANITIZE_ADDRESS__
  for (const char* library : {KEYWARD_OPENCRYPTOKI_MODULE, "libpkcs11_sw.so"}) {
    void* handle = dlopen(library, RTLD_NOW | RTLD_NODELETE);
    if (handle != nullptr) dlclose(handle);
  }
#endif
}

bool Accepts(const char* socket_path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, socket_path, sizeof(address.sun_path) - 1);
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  // Hears it out: pkcsslotd dies of a caller that hangs up on it.
  char answer[4096];
  while (connected && read(fd, answer, sizeof(answer)) > 0) {
  }
  close(fd);
  return connected;
}

class OpenCryptokiModule : public TestModule {
 public:
  static absl::StatusOr<std::unique_ptr<TestModule>> Start() {
    auto module = std::unique_ptr<OpenCryptokiModule>(new OpenCryptokiModule());
    ASSIGN_OR_RETURN(module->paths_, OpenCryptokiPaths::Prepare());
    RETURN_IF_ERROR(module->StartDaemon());
    RETURN_IF_ERROR(module->InitToken());
    KeepForLeakSanitizer();
    return module;
  }
  // SIGTERM, on which it takes its shared memory, lock and socket away.
  ~OpenCryptokiModule() override { StopDaemon(SIGTERM); }

  std::string path() const override { return KEYWARD_OPENCRYPTOKI_MODULE; }
  std::string token_uri() const override { return absl::StrCat("pkcs11:token=", kLabel); }
  absl::StatusOr<Secret> ReadPin() const override { return Secret(kUserPin); }
  absl::StatusOr<Secret> WrongPin() const override { return Secret("00000000"); }

  // The token is in the module; the daemon only counts who uses it.
  bool works_alone() const override { return true; }
  // SIGKILL, because on SIGTERM it waits for everyone who uses it.
  void TakeAway() override { StopDaemon(SIGKILL); }
  void BringBack() override {
    if (!StartDaemon().ok()) abort();
  }

 private:
  OpenCryptokiModule() = default;

  absl::Status StartDaemon() {
    // In the foreground, so that it is our child and ends with us.
    daemon_ = testing::Daemon::Start({"/usr/sbin/pkcsslotd", "-f"});
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (!Accepts(kSlotDaemonSocket)) {
      if (daemon_->Wait(absl::Milliseconds(5)) == -1 && absl::Now() < deadline) continue;
      return absl::UnavailableError(
          absl::StrCat("openCryptoki's pkcsslotd does not start: ", daemon_->Output()));
    }
    return absl::OkStatus();
  }

  void StopDaemon(int signal) {
    if (daemon_ == nullptr) return;
    daemon_->Signal(signal);
    daemon_->Wait();
    daemon_.reset();
  }

  absl::Status InitToken() const {
    RETURN_IF_ERROR(Pkcs11Tool({"--init-token", "--label", kLabel, "--so-pin", "env:FIRST_SO"}));
    RETURN_IF_ERROR(Pkcs11Tool({"--login", "--login-type", "so", "--so-pin", "env:FIRST_SO",
                                "--change-pin", "--new-pin", "env:SO"}));
    RETURN_IF_ERROR(Pkcs11Tool({"--login", "--login-type", "so", "--so-pin", "env:SO", "--init-pin",
                                "--new-pin", "env:FIRST_USER"}));
    return Pkcs11Tool(
        {"--login", "--pin", "env:FIRST_USER", "--change-pin", "--new-pin", "env:USER_PIN"});
  }

  absl::Status Pkcs11Tool(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"pkcs11-tool", "--module", path(), "--slot-index", "0"});
    const testing::Finished finished = testing::Run(arguments, {{"FIRST_SO", kFirstSoPin},
                                                                {"SO", kSoPin},
                                                                {"FIRST_USER", kFirstUserPin},
                                                                {"USER_PIN", kUserPin}});
    if (finished.exit_code == 0) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("cannot initialise openCryptoki's token: ", finished.out, finished.err));
  }

  // Restored after the daemon has ended.
  std::unique_ptr<OpenCryptokiPaths> paths_;
  std::unique_ptr<testing::Daemon> daemon_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TestModule>> StartOpenCryptoki() {
  return OpenCryptokiModule::Start();
}

}  // namespace keyward::pkcs11
