// CheckFiles() of signer/config.
#include <errno.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/file_modes.h"
#include "common/server/tls_files.h"
#include "common/yaml_reader.h"
#include "signer/authorization_policy.h"
#include "signer/config.h"

namespace keyward::signer {
namespace {

// A file that the signer writes: it is there and can be written, or its folder
// lets it be made.
absl::Status CheckWritable(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError("is a directory");
  }
  if (access(path.c_str(), F_OK) == 0) {
    if (!std::filesystem::is_regular_file(path, error)) {
      return absl::InvalidArgumentError("is not a regular file");
    }
    if (access(path.c_str(), R_OK | W_OK) == 0) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, "cannot be written");
  }
  std::string folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  if (!std::filesystem::is_directory(folder, error)) {
    return absl::NotFoundError("its folder is not there: make it");
  }
  if (access(folder.c_str(), W_OK | X_OK) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "its folder does not let it be made");
}

class FileChecker {
 public:
  explicit FileChecker(const SignerConfig& config) : config_(config), mistakes_(config.file) {}

  absl::Status Check() {
    CheckTls();
    Note("token.module", config_.token.module, CheckReadable(config_.token.module));
    CheckPinSource();
    for (const auto& [setting, file] :
         {std::pair<const char*, const std::string&>("registry.sqlite", config_.registry_sqlite),
          {"audit.file", config_.audit.file}}) {
      absl::Status status = CheckWritable(file);
      if (status.ok()) status = CheckClosedToOthers(file);
      Note(setting, file, status);
    }
    for (const ForwardMistake& mistake : CheckForwardFiles(config_.audit.forward)) {
      Note(mistake.setting, "", absl::InvalidArgumentError(mistake.what));
    }
    Note("policy", config_.policy, CheckReadable(config_.policy));
    Note("policy", config_.policy, CheckOnlyOwnerWrites(config_.policy));
    // At the file's first line: it is the file itself.
    if (const absl::Status status = CheckOnlyOwnerWrites(config_.file); !status.ok()) {
      mistakes_.Add(1, "", status.message());
    }
    return mistakes_.ToStatus();
  }

 private:
  void Note(absl::string_view setting, absl::string_view file, const absl::Status& status) {
    if (status.ok()) return;
    server::AddSettingMistake(config_.lines, setting,
                              absl::StrCat(file, file.empty() ? "" : ": ", status.message()),
                              mistakes_);
  }

  void CheckTls() {
    for (const server::TlsMistake& mistake : server::CheckTlsFiles(config_.tls)) {
      Note(mistake.setting, mistake.file, absl::InvalidArgumentError(mistake.what));
    }
  }

  void CheckPinSource() {
    const PinSource& pin = config_.token.pin;
    const absl::string_view setting = pin.kind == PinSource::Kind::kFile ? "token.pin.file"
                                      : pin.kind == PinSource::Kind::kEnvironment
                                          ? "token.pin.environment"
                                          : "token.pin.credential";
    Note(setting, "", CheckPin(pin));
  }

  const SignerConfig& config_;
  YamlMistakes mistakes_;
};

}  // namespace

absl::Status CheckFiles(const SignerConfig& config) {
  return WithPolicyMistakes(FileChecker(config).Check(), config.policy);
}

}  // namespace keyward::signer
