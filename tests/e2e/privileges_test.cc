// What is left of a daemon's privileges once it serves. Becoming another user takes root.
#include <pwd.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kNobody[] = "nobody";

class PrivilegesTest : public SignerTest {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  }

  // Puts `user: NAME` before the other settings.
  void SetUser(const std::string& user) const {
    signer_.Write("signer.yaml", absl::StrCat("user: ", user, "\n", signer_.DefaultConfig()));
  }

  // What the daemon opens becomes nobody's; its settings and policy stay root's.
  void GiveFilesAway() const {
    const passwd* nobody = getpwnam(kNobody);
    ASSERT_NE(nobody, nullptr);
    const auto give = [&](const std::filesystem::path& path) {
      ASSERT_EQ(lchown(path.c_str(), nobody->pw_uid, nobody->pw_gid), 0) << path;
    };
    for (const std::string& root : {signer_.dir(), signer_.softhsm().token_dir()}) {
      give(root);
      for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
        const std::string name = entry.path().filename();
        if (name != "signer.yaml" && name != "policy.yaml") give(entry.path());
      }
    }
    give(std::filesystem::path(signer_.softhsm().config()).parent_path());
  }

  // /proc/PID/status by its words.
  std::map<std::string, std::string> Status() {
    std::map<std::string, std::string> status;
    std::ifstream file(absl::StrCat("/proc/", signer_.daemon().pid(), "/status"));
    for (std::string line; std::getline(file, line);) {
      const size_t colon = line.find(':');
      status[line.substr(0, colon)] =
          std::string(absl::StripAsciiWhitespace(absl::string_view(line).substr(colon + 1)));
    }
    return status;
  }

  void ExpectNothingLeft() {
    const auto status = Status();
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
      EXPECT_EQ(status.at(set), "0000000000000000") << set;
    }
    EXPECT_EQ(status.at("NoNewPrivs"), "1");
    EXPECT_EQ(status.at("Umask"), "0077");
    struct stat memory {};
    // Of a process that can be dumped, these files are its user's.
    ASSERT_EQ(stat(absl::StrCat("/proc/", signer_.daemon().pid(), "/mem").c_str(), &memory), 0);
    EXPECT_EQ(memory.st_uid, 0U);
    std::ifstream limits(absl::StrCat("/proc/", signer_.daemon().pid(), "/limits"));
    const std::string text((std::istreambuf_iterator<char>(limits)), {});
    EXPECT_THAT(text, ::testing::ContainsRegex("Max core file size +0 +0 "));
  }
};

TEST_F(PrivilegesTest, BecomesTheUserBeforeItOpensAnything) {
  SetUser(kNobody);
  GiveFilesAway();
  Start();
  const passwd* nobody = getpwnam(kNobody);
  const auto status = Status();
  const std::string uid = absl::StrCat(nobody->pw_uid);
  const std::string gid = absl::StrCat(nobody->pw_gid);
  EXPECT_EQ(status.at("Uid"), absl::StrCat(uid, "\t", uid, "\t", uid, "\t", uid));
  EXPECT_EQ(status.at("Gid"), absl::StrCat(gid, "\t", gid, "\t", gid, "\t", gid));
  EXPECT_EQ(status.at("Groups"), gid);
  ExpectNothingLeft();
  EXPECT_THAT(signer_.daemon().Output(), Not(HasSubstr("running as root")));

  CreateConnection();
  EXPECT_TRUE(Sign().ok());
  for (const char* name : {"registry.db", "audit.jsonl"}) {
    struct stat info {};
    ASSERT_EQ(stat(signer_.File(name).c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, nobody->pw_uid) << name;
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << name;
  }
  Stop();
}

TEST_F(PrivilegesTest, FilesMustBeTheUsers) {
  SetUser(kNobody);
  // The directory is root's, and closed.
  const testing::Finished checked = signer_.RunToEnd({"--check-config"});
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_THAT(checked.err, HasSubstr("tls.private_key: "));
  EXPECT_THAT(checked.err, HasSubstr("registry.sqlite: "));
  EXPECT_THAT(checked.err, HasSubstr("Permission denied"));
}

TEST_F(PrivilegesTest, RootWithoutAUserIsWarnedAndHasNoCapabilities) {
  Start();
  EXPECT_THAT(signer_.daemon().Output(), HasSubstr("running as root: set `user`"));
  ExpectNothingLeft();
  Stop();
}

TEST_F(PrivilegesTest, AUserThatCannotBeBecome) {
  SetUser("no-such-user-here");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, std::vector<std::string>{"--check-config"}}) {
    const testing::Finished finished = signer_.RunToEnd(arguments);
    EXPECT_EQ(finished.exit_code, 1);
    EXPECT_THAT(finished.err, HasSubstr("user: no such user on this machine"));
  }
}

TEST_F(PrivilegesTest, OnlyRootBecomesAnother) {
  GiveFilesAway();
  const auto run = [&](const std::string& user) {
    SetUser(user);
    return testing::Run({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--",
                         testing::Binary("keyward-signer"), "--config", signer_.File("signer.yaml"),
                         "--check-config"});
  };
  const testing::Finished other = run("root");
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err, HasSubstr("user: only root can become root"));
  const testing::Finished same = run(kNobody);
  EXPECT_EQ(same.exit_code, 0) << same.err;
}

}  // namespace
}  // namespace keyward::e2e
