#include "signer/pin_source.h"

#include <openssl/crypto.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/secret_file.h"
#include "common/status_macros.h"

namespace keyward::signer {
namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

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
  return LockedSecret(value);
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
      return ReadSecretLine(source.name, kOthers);
    case PinSource::Kind::kEnvironment:
      return ReadVariable(source.name);
    case PinSource::Kind::kCredential: {
      ASSIGN_OR_RETURN(const std::string path, CredentialPath(source.name));
      return ReadSecretLine(path, 0);
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

// Once: it is read again each time that the token has to be logged in to.
void WarnUnlessLocked(const Secret& pin) {
  static std::atomic_flag told;
  if (pin.is_locked() || told.test_and_set()) return;
  spdlog::warn(
      "the PIN cannot be locked in memory, so it may reach swap space while it is used: raise "
      "LimitMEMLOCK= (ulimit -l)");
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
  if (pin.ok()) WarnUnlessLocked(*pin);
  if (source.kind == PinSource::Kind::kEnvironment) ForgetVariable(source.name);
  return pin;
}

absl::Status CheckPin(const PinSource& source) { return ReadChecked(source).status(); }

}  // namespace keyward::signer
