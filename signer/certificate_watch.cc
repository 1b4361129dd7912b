#include "signer/certificate_watch.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "common/certificate_expiry.h"

namespace keyward::signer {
namespace {

using registry::KeyVersion;

constexpr absl::Duration kWarningInterval = absl::Hours(24);

// What to do about the end of its certificate.
std::string Remedy(const KeyVersion& version) {
  if (version.connection == registry::kAuditConnection) {
    return "it signs the audit log's checkpoints: keyward audit rotate-key";
  }
  return absl::StrCat("keyward certificate renew ", version.connection, " --version ",
                      version.number, ", or ask its CA for another");
}

std::string Warning(const KeyVersion& version, absl::Time now) {
  const bool is_expired =
      CertificateStatusAt(version.certificate_not_after, now) == CertificateStatus::kExpired;
  return absl::StrCat(
      "the certificate of key version ", version.number, " of connection \"", version.connection,
      "\" ", is_expired ? "has expired" : CertificateStatusText(version.certificate_not_after, now),
      " (",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", version.certificate_not_after, absl::UTCTimeZone()),
      "): ", Remedy(version));
}

}  // namespace

std::vector<const KeyVersion*> WatchedVersions(const registry::Snapshot& snapshot) {
  std::vector<const KeyVersion*> versions = snapshot.VersionsThatMaySign();
  std::sort(versions.begin(), versions.end(), [](const KeyVersion* a, const KeyVersion* b) {
    return std::tie(a->connection, a->number) < std::tie(b->connection, b->number);
  });
  return versions;
}

std::vector<const KeyVersion*> ExpiringVersions(const registry::Snapshot& snapshot,
                                                absl::Time now) {
  std::vector<const KeyVersion*> versions = WatchedVersions(snapshot);
  versions.erase(std::remove_if(versions.begin(), versions.end(),
                                [now](const KeyVersion* version) {
                                  return CertificateStatusAt(version->certificate_not_after, now) ==
                                         CertificateStatus::kOk;
                                }),
                 versions.end());
  return versions;
}

std::vector<std::string> CertificateWarnings::Due(const registry::Snapshot& snapshot,
                                                  absl::Time now) {
  // A clock that was set back must not silence the warnings until it has caught up.
  if (now >= last_ && now - last_ < kWarningInterval) return {};
  last_ = now;
  std::vector<std::string> lines;
  for (const KeyVersion* version : ExpiringVersions(snapshot, now)) {
    lines.push_back(Warning(*version, now));
  }
  return lines;
}

}  // namespace keyward::signer
