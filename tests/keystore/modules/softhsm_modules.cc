// SoftHSM2, in this process and behind p11-kit's server.
#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "tests/keystore/modules/test_module.h"
#include "tests/testing/softhsm.h"
#include "tests/testing/subprocess.h"

namespace keyward::pkcs11 {
namespace {

constexpr char kLabel[] = "keyward-acceptance";
constexpr char kUri[] = "pkcs11:token=keyward-acceptance";
constexpr char kServerAddress[] = "P11_KIT_SERVER_ADDRESS";

class SoftHsmModule : public TestModule {
 public:
  SoftHsmModule() { softhsm_.InitToken(kLabel); }

  std::string path() const override { return testing::kSoftHsmModule; }
  std::string token_uri() const override { return kUri; }
  absl::StatusOr<Secret> ReadPin() const override { return Secret(testing::kUserPin); }

  void TakeAway() override { std::filesystem::rename(softhsm_.token_dir(), Away()); }
  void BringBack() override { std::filesystem::rename(Away(), softhsm_.token_dir()); }

 private:
  std::string Away() const { return softhsm_.token_dir() + ".away"; }

  testing::SoftHsm softhsm_;
};

class P11KitModule : public SoftHsmModule {
 public:
  static absl::StatusOr<std::unique_ptr<TestModule>> Start() {
    auto module = std::unique_ptr<P11KitModule>(new P11KitModule());
    RETURN_IF_ERROR(module->StartServer());
    return module;
  }
  ~P11KitModule() override {
    StopServer();
    unsetenv(kServerAddress);
  }

  std::string path() const override { return KEYWARD_P11_KIT_CLIENT; }

  void TakeAway() override { StopServer(); }
  void BringBack() override {
    if (!StartServer().ok()) abort();
  }

 private:
  P11KitModule() {
    setenv(kServerAddress, absl::StrCat("unix:path=", dir_.File("socket")).c_str(), 1);
  }

  absl::Status StartServer() {
    std::filesystem::remove(dir_.File("socket"));
    // In a process group of its own, because it serves each connection in a child.
    server_ =
        testing::Daemon::Start({"setsid", "p11-kit", "server", "--foreground", "--name",
                                dir_.File("socket"), "--provider", testing::kSoftHsmModule, kUri});
    if (server_->WaitForOutput("P11_KIT_SERVER_PID")) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("p11-kit server does not start: ", server_->Output()));
  }

  void StopServer() {
    if (server_ != nullptr) kill(-server_->pid(), SIGKILL);
    server_.reset();
  }

  testing::TempDir dir_;
  std::unique_ptr<testing::Daemon> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TestModule>> StartSoftHsm() {
  return std::make_unique<SoftHsmModule>();
}

absl::StatusOr<std::unique_ptr<TestModule>> StartP11Kit() { return P11KitModule::Start(); }

}  // namespace keyward::pkcs11
