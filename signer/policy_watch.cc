#include "signer/policy_watch.h"

#include <memory>
#include <utility>

#include "common/error.h"
#include "common/file.h"
#include "common/file_modes.h"
#include "common/openssl.h"
#include "common/status_macros.h"

namespace keyward::signer {
namespace {

bool IsSame(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

bool PolicyWatch::Stamp::operator==(const Stamp& other) const {
  return device == other.device && inode == other.inode && size == other.size &&
         IsSame(modified, other.modified) && IsSame(changed, other.changed);
}

PolicyWatch::PolicyWatch(std::string file, PolicyHolder& holder,
                         std::function<void(const PolicyReload&)> tell)
    : file_(std::move(file)), holder_(holder), tell_(std::move(tell)) {}

std::optional<PolicyWatch::Stamp> PolicyWatch::StampOfFile() const {
  struct stat info;
  if (stat(file_.c_str(), &info) != 0) return std::nullopt;
  return Stamp{.device = info.st_dev,
               .inode = info.st_ino,
               .size = info.st_size,
               .modified = info.st_mtim,
               .changed = info.st_ctim};
}

absl::StatusOr<std::string> PolicyWatch::Read() const {
  RETURN_IF_ERROR(Annotate(CheckOnlyOwnerWrites(file_), file_));
  return ReadFile(file_, kMaxPolicyBytes);
}

void PolicyWatch::Poll() {
  // Before the file is read: what is written meanwhile is found at the next call.
  const std::optional<Stamp> stamp = StampOfFile();
  if (settled_ && stamp == stamp_) return;
  stamp_ = stamp;
  const absl::StatusOr<std::string> yaml = Read();
  std::string found = yaml.ok() ? HexSha256(*yaml) : std::string(yaml.status().message());
  const bool is_in_use = found == holder_.Get()->sha256();
  settled_ = is_in_use || found == found_;
  found_ = std::move(found);
  if (!is_in_use) {
    if (settled_) TakeUp(yaml);
  } else if (std::exchange(told_mistakes_, false)) {
    tell_({.status = absl::OkStatus(), .old_sha256 = found_, .new_sha256 = found_});
  }
}

void PolicyWatch::TakeUp(const absl::StatusOr<std::string>& yaml) {
  const std::string old_sha256 = holder_.Get()->sha256();
  if (!yaml.ok()) {
    told_mistakes_ = true;
    return tell_({.status = yaml.status(), .old_sha256 = old_sha256, .new_sha256 = {}});
  }
  absl::StatusOr<AuthorizationPolicy> policy = AuthorizationPolicy::Parse(*yaml, file_);
  told_mistakes_ = !policy.ok();
  if (policy.ok()) {
    holder_.Set(std::make_shared<const AuthorizationPolicy>(*std::move(policy)));
  }
  tell_({.status = policy.status(), .old_sha256 = old_sha256, .new_sha256 = found_});
}

}  // namespace keyward::signer
