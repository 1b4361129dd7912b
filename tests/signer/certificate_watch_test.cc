#include "signer/certificate_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/signer/watched_versions.h"

namespace keyward::signer {
namespace {

using registry::VersionState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> Names(const std::vector<const registry::KeyVersion*>& versions) {
  std::vector<std::string> names;
  for (const registry::KeyVersion* version : versions) {
    names.push_back(version->connection + "/" + std::to_string(version->number));
  }
  return names;
}

TEST(CertificateWatchTest, WatchesWhatMaySignInOrder) {
  const auto snapshot = SnapshotOf({{"globex", 1, VersionState::kActive, kNow},
                                    {"acme", 10, VersionState::kPending, kNow},
                                    {"acme", 9, VersionState::kRetiring, kNow},
                                    {"acme", 8, VersionState::kDisabled, kNow}});
  EXPECT_THAT(Names(WatchedVersions(*snapshot)), ElementsAre("acme/9", "acme/10", "globex/1"));
}

TEST(CertificateWatchTest, ThirtyDaysBeforeTheEndAndAfterIt) {
  const auto snapshot = EveryEnd();
  EXPECT_THAT(Names(ExpiringVersions(*snapshot, kNow)), ElementsAre("acme/2", "acme/3", "acme/4"));
  EXPECT_THAT(Names(ExpiringVersions(*snapshot, kNow + kDay)),
              ElementsAre("acme/1", "acme/2", "acme/3", "acme/4"));
}

TEST(CertificateWatchTest, WarnsAtOnceAndThenOnceADay) {
  const auto snapshot = EveryEnd();
  CertificateWarnings warnings;
  EXPECT_THAT(
      warnings.Due(*snapshot, kNow),
      ElementsAre(
          "the certificate of key version 2 of connection \"acme\" expires in 29 days "
          "(2027-02-13T08:00:00Z): keyward certificate renew acme --version 2, or ask its CA for "
          "another",
          HasSubstr("key version 3 of connection \"acme\" expires within a day"),
          HasSubstr("key version 4 of connection \"acme\" has expired")));
  EXPECT_THAT(warnings.Due(*snapshot, kNow), IsEmpty());
  EXPECT_THAT(warnings.Due(*snapshot, kNow + kDay - absl::Seconds(1)), IsEmpty());
  EXPECT_THAT(warnings.Due(*snapshot, kNow + kDay), SizeIs(4));
  EXPECT_THAT(warnings.Due(*snapshot, kNow + kDay + absl::Hours(1)), IsEmpty());
  EXPECT_THAT(warnings.Due(*snapshot, kNow + 3 * kDay), SizeIs(4));
}

// No call can name its connection, so no certificate of it can be renewed.
TEST(CertificateWatchTest, TheAuditKeyIsRotated) {
  const auto snapshot =
      SnapshotOf({{registry::kAuditConnection, 1, VersionState::kDisabled, kNow - kDay},
                  {registry::kAuditConnection, 2, VersionState::kActive, kNow + kDay / 2}});
  CertificateWarnings warnings;
  EXPECT_THAT(warnings.Due(*snapshot, kNow),
              ElementsAre("the certificate of key version 2 of connection \".audit\" expires "
                          "within a day (2027-01-15T20:00:00Z): it signs the audit log's "
                          "checkpoints: keyward audit rotate-key"));
}

TEST(CertificateWatchTest, AClockThatWasSetBackSilencesNothing) {
  const auto snapshot = EveryEnd();
  CertificateWarnings warnings;
  EXPECT_THAT(warnings.Due(*snapshot, kNow + 300 * kDay), SizeIs(4));
  EXPECT_THAT(warnings.Due(*snapshot, kNow), SizeIs(3));
  EXPECT_THAT(warnings.Due(*snapshot, kNow + absl::Hours(1)), IsEmpty());
}

}  // namespace
}  // namespace keyward::signer
