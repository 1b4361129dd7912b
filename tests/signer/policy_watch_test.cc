#include "signer/policy_watch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/openssl.h"
#include "tests/testing/temp_dir.h"

namespace keyward::signer {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string RoleFor(absl::string_view identity) {
  return absl::StrCat("roles: [{name: r, identities: [\"cn:", identity,
                      "\"], connections: [acme], operations: [sign]}]\n");
}

class PolicyWatchTest : public ::testing::Test {
 protected:
  PolicyWatchTest() { Poll(); }

  std::string File() const { return dir_.path() + "/policy.yaml"; }

  // By rename.
  void Replace(absl::string_view yaml) { ASSERT_TRUE(WriteFile(File(), yaml).ok()); }

  void WriteInPlace(absl::string_view yaml) {
    std::ofstream(File(), std::ios::trunc | std::ios::binary) << yaml;
  }

  void Poll() { watch_.Poll(); }
  void PollTwice() {
    Poll();
    Poll();
  }

  bool Allows(absl::string_view identity) const {
    return holder_.Get()->Allows(absl::StrCat("cn:", identity), "acme", Operation::kSign);
  }

  static std::shared_ptr<const AuthorizationPolicy> Load(const std::string& file) {
    absl::StatusOr<AuthorizationPolicy> policy = LoadPolicy(file);
    EXPECT_TRUE(policy.ok()) << policy.status();
    return std::make_shared<const AuthorizationPolicy>(*std::move(policy));
  }

  testing::TempDir dir_;
  const bool written_ = WriteFile(File(), RoleFor("first")).ok();
  PolicyHolder holder_{Load(File())};
  std::vector<PolicyReload> told_;
  PolicyWatch watch_{File(), holder_, [this](const PolicyReload& reload) {
                       // Whoever is told finds it in use.
                       if (reload.status.ok()) {
                         EXPECT_EQ(holder_.Get()->sha256(), reload.new_sha256);
                       }
                       told_.push_back(reload);
                     }};
};

TEST_F(PolicyWatchTest, TakesUpAFileThatIsReplaced) {
  const std::string former = holder_.Get()->sha256();
  Replace(RoleFor("second"));
  PollTwice();
  EXPECT_TRUE(Allows("second"));
  EXPECT_FALSE(Allows("first"));
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_TRUE(told_[0].status.ok());
  EXPECT_EQ(told_[0].old_sha256, former);
  EXPECT_EQ(told_[0].new_sha256, HexSha256(RoleFor("second")));
  PollTwice();
  EXPECT_THAT(told_, SizeIs(1));
}

TEST_F(PolicyWatchTest, TakesUpAFileThatIsWrittenInPlace) {
  WriteInPlace(RoleFor("other-one"));
  PollTwice();
  EXPECT_TRUE(Allows("other-one"));
  EXPECT_THAT(told_, SizeIs(1));
}

TEST_F(PolicyWatchTest, AnEmptyFileOnTheWayToANewOneDeniesNobody) {
  WriteInPlace("");
  Poll();
  EXPECT_TRUE(Allows("first"));
  WriteInPlace(RoleFor("second"));
  Poll();
  EXPECT_TRUE(Allows("first"));
  Poll();
  EXPECT_TRUE(Allows("second"));
  EXPECT_THAT(told_, SizeIs(1));
  // One that stays empty is meant.
  WriteInPlace("");
  PollTwice();
  EXPECT_FALSE(Allows("second"));
}

TEST_F(PolicyWatchTest, KeepsTheOldOneForABadFileAndTellsOnce) {
  Replace("roles: [{name: r, identity: x}]\nrules: []\n");
  Poll();
  EXPECT_THAT(told_, IsEmpty());
  for (int i = 0; i < 5; ++i) Poll();
  EXPECT_TRUE(Allows("first"));
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_THAT(std::string(told_[0].status.message()), HasSubstr("rules: unknown key"));
  EXPECT_EQ(told_[0].old_sha256, HexSha256(RoleFor("first")));
  EXPECT_EQ(told_[0].new_sha256, HexSha256("roles: [{name: r, identity: x}]\nrules: []\n"));
  // Other mistakes are other news.
  Replace("roles: [\n");
  PollTwice();
  EXPECT_THAT(told_, SizeIs(2));
  Replace(RoleFor("second"));
  PollTwice();
  EXPECT_TRUE(Allows("second"));
  EXPECT_THAT(told_, SizeIs(3));
}

TEST_F(PolicyWatchTest, SaysThatTheFileIsAgainTheOneInUse) {
  Replace("- a\n");
  PollTwice();
  Replace(RoleFor("first"));
  PollTwice();
  ASSERT_THAT(told_, SizeIs(2));
  EXPECT_TRUE(told_[1].status.ok());
  EXPECT_EQ(told_[1].old_sha256, told_[1].new_sha256);
}

TEST_F(PolicyWatchTest, AFileThatIsTouchedOrWrittenAgainIsNoNews) {
  Replace(RoleFor("first"));
  PollTwice();
  ASSERT_EQ(utimensat(AT_FDCWD, File().c_str(), nullptr, 0), 0);
  PollTwice();
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(PolicyWatchTest, AFileThatIsGoneOrNotAFileOrTooLongKeepsTheOldOne) {
  ASSERT_EQ(unlink(File().c_str()), 0);
  for (int i = 0; i < 3; ++i) Poll();
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_FALSE(told_[0].status.ok());
  EXPECT_EQ(told_[0].new_sha256, "");
  ASSERT_TRUE(std::filesystem::create_directory(File()));
  for (int i = 0; i < 3; ++i) Poll();
  EXPECT_THAT(told_, SizeIs(2));
  ASSERT_TRUE(std::filesystem::remove(File()));
  Replace(std::string(kMaxPolicyBytes + 1, '#'));
  for (int i = 0; i < 3; ++i) Poll();
  EXPECT_THAT(told_, SizeIs(3));
  EXPECT_TRUE(Allows("first"));
  Replace(RoleFor("second") + std::string(kMaxPolicyBytes - RoleFor("second").size(), '#'));
  PollTwice();
  EXPECT_TRUE(Allows("second"));
}

// As at the start.
TEST_F(PolicyWatchTest, AFileThatOthersCanWriteKeepsTheOldOne) {
  for (const mode_t mode : {0664, 0646}) {
    told_.clear();
    Replace(RoleFor("second"));
    ASSERT_EQ(chmod(File().c_str(), mode), 0);
    for (int i = 0; i < 3; ++i) Poll();
    EXPECT_TRUE(Allows("first"));
    ASSERT_THAT(told_, SizeIs(1));
    EXPECT_THAT(std::string(told_[0].status.message()),
                HasSubstr(File() + ": others than its owner can write it"));
    EXPECT_EQ(told_[0].new_sha256, "");
    Replace(RoleFor("first"));
    PollTwice();
  }
  Replace(RoleFor("second"));
  ASSERT_EQ(chmod(File().c_str(), 0664), 0);
  PollTwice();
  ASSERT_EQ(chmod(File().c_str(), 0644), 0);
  PollTwice();
  EXPECT_TRUE(Allows("second"));
}

TEST_F(PolicyWatchTest, FollowsALinkThatIsTurned) {
  // As Kubernetes replaces a mounted ConfigMap.
  Replace(RoleFor("first"));
  ASSERT_TRUE(WriteFile(dir_.path() + "/new", RoleFor("third")).ok());
  ASSERT_EQ(unlink(File().c_str()), 0);
  ASSERT_EQ(symlink("new", File().c_str()), 0);
  PollTwice();
  EXPECT_TRUE(Allows("third"));
}

}  // namespace
}  // namespace keyward::signer
