#include "tests/signer/watched_versions.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "common/file.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/temp_dir.h"

namespace keyward::signer {
namespace {

using registry::VersionState;

// One for all: only the registry's column tells when it ends.
std::string Certificate() {
  const keyward::testing::TempDir dir;
  const auto made = keyward::testing::Run(
      {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-subj", "/CN=acme", "-keyout",
       dir.File("key"), "-outform", "DER", "-out", dir.File("der")});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  return ReadFile(dir.File("der")).value();
}

}  // namespace

std::shared_ptr<const registry::Snapshot> SnapshotOf(const std::vector<Version>& versions) {
  static const auto* const kCertificate = new std::string(Certificate());
  registry::Contents contents;
  std::set<std::string> names;
  for (const Version& version : versions) {
    if (names.insert(version.connection).second) {
      contents.connections.push_back({.name = version.connection});
    }
    contents.key_versions.push_back({.connection = version.connection,
                                     .number = version.number,
                                     .state = version.state,
                                     .algorithm = "RS256",
                                     .key_bits = 2048,
                                     .certificate_der = *kCertificate,
                                     .kid = "kid",
                                     .certificate_not_after = version.not_after});
  }
  auto snapshot = registry::Snapshot::New(std::move(contents));
  EXPECT_TRUE(snapshot.ok()) << snapshot.status();
  return *std::move(snapshot);
}

std::shared_ptr<const registry::Snapshot> EveryEnd() {
  return SnapshotOf({
      {"acme", 1, VersionState::kActive, kNow + 31 * kDay},
      {"acme", 2, VersionState::kPending, kNow + 29 * kDay},
      {"acme", 3, VersionState::kRetiring, kNow},
      {"acme", 4, VersionState::kRetiring, kNow - kDay},
      {"acme", 5, VersionState::kDisabled, kNow - kDay},
      {"acme", 6, VersionState::kDestroyed, kNow - kDay},
  });
}

}  // namespace keyward::signer
