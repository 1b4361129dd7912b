// Which certificates come to their end.
#ifndef KEYWARD_SIGNER_CERTIFICATE_WATCH_H_
#define KEYWARD_SIGNER_CERTIFICATE_WATCH_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "keystore/registry/registry.h"
#include "keystore/registry/snapshot.h"

namespace keyward::signer {

// The versions whose certificates matter: those that may sign, in order of connection
// and number. A DISABLED one is not among them: after each rotation one stays behind
// whose certificate nobody will renew, and an alarm that never ends is not heard. Once
// enabled again it is back. The pointers are valid as long as `snapshot` lives.
std::vector<const registry::KeyVersion*> WatchedVersions(const registry::Snapshot& snapshot);

// Those of them whose certificate is within kCertificateWarning of its end or past it.
std::vector<const registry::KeyVersion*> ExpiringVersions(const registry::Snapshot& snapshot,
                                                          absl::Time now);

// The lines of the log about them, once a day. Not thread-safe.
class CertificateWarnings {
 public:
  // A line for each of ExpiringVersions() the first time, and again whenever a day
  // has passed since the last; in between nothing.
  std::vector<std::string> Due(const registry::Snapshot& snapshot, absl::Time now);

 private:
  absl::Time last_ = absl::InfinitePast();
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_CERTIFICATE_WATCH_H_
