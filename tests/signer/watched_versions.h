// Key versions whose certificates end when a test says.
#ifndef KEYWARD_TESTS_SIGNER_WATCHED_VERSIONS_H_
#define KEYWARD_TESTS_SIGNER_WATCHED_VERSIONS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "keystore/registry/snapshot.h"

namespace keyward::signer {

// 2027-01-15T08:00:00Z.
inline const absl::Time kNow = absl::FromUnixSeconds(1800000000);
inline constexpr absl::Duration kDay = absl::Hours(24);

struct Version {
  std::string connection;
  uint32_t number;
  registry::VersionState state;
  absl::Time not_after;
};

std::shared_ptr<const registry::Snapshot> SnapshotOf(const std::vector<Version>& versions);

// Of "acme": 1 ACTIVE with 31 days left, 2 PENDING with 29, 3 RETIRING with 0,
// 4 RETIRING that ended yesterday; 5 DISABLED and 6 DESTROYED that ended yesterday.
std::shared_ptr<const registry::Snapshot> EveryEnd();

}  // namespace keyward::signer

#endif  // KEYWARD_TESTS_SIGNER_WATCHED_VERSIONS_H_
