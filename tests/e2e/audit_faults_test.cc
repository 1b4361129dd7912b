// A disk that is full under the audit log.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/file.h"
#include "common/openssl.h"
#include "tests/e2e/raw_calls.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

// A file system of 64 KiB at `path`, unmounted at the end.
class SmallDisk {
 public:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {
    mkdir(path_.c_str(), 0700);
    mounted_ = mount("keyward-e2e", path_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV,
                     "size=64k,mode=0700") == 0;
    error_ = errno;
  }
  ~SmallDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  std::string why_not() const { return strerror(error_); }

  void Fill() const {
    const int fd = open(filler().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const std::string page(4096, 'x');
    while (write(fd, page.data(), page.size()) > 0) {
    }
    EXPECT_EQ(errno, ENOSPC);
    close(fd);
  }
  void MakeRoom() const { EXPECT_EQ(unlink(filler().c_str()), 0); }

 private:
  std::string filler() const { return path_ + "/filler"; }

  std::string path_;
  bool mounted_ = false;
  int error_ = 0;
};

class AuditFaultsTest : public SignerTest {
 protected:
  AuditFaultsTest() : disk_(signer_.File("disk")) {
    signer_.Write("signer.yaml",
                  testing::Replaced(signer_.DefaultConfig(), "audit.jsonl", "disk/audit.jsonl"));
  }

  std::string Log() const { return ReadFile(signer_.File("disk/audit.jsonl")).value_or(""); }

  // Digests of the claims of every Sign that the log has as done.
  std::set<std::string> Recorded() const {
    std::set<std::string> digests;
    for (const nlohmann::json& record : ParseAudit(Log())) {
      if (record["method"] == "Sign" && record["outcome"] == "done") {
        digests.insert(record["claims_sha256"].get<std::string>());
      }
    }
    return digests;
  }

  const SmallDisk disk_;
};

TEST_F(AuditFaultsTest, NothingIsSignedOnAFullDiskAndItRecoversByItself) {
  if (!disk_.mounted()) {
    GTEST_SKIP() << "needs the right to mount a tmpfs, to have a small disk: " << disk_.why_not();
  }
  Start();
  CreateConnection();
  auto client = Client();
  auto channel = Connect(signer_);
  std::set<std::string> released;
  int calls = 0;
  const auto sign = [&] {
    const std::string claims = GoodClaims(absl::StrCat(R"(,"jti":")", calls++, R"(")"));
    const absl::Status status = client->Sign("acme", claims).status();
    if (status.ok()) released.insert(HexSha256(claims));
    return CodeAndReason(status);
  };
  ASSERT_EQ(sign(), "OK");
  ASSERT_TRUE(Eventually([&] { return Health(channel) == "SERVING"; }));

  disk_.Fill();
  // The log's last page may have room for a few more.
  EXPECT_TRUE(Eventually([&] { return sign() == "UNAVAILABLE AUDIT_UNAVAILABLE"; }));
  // Short records may still fit where long ones do not: until none does, each
  // success of one lets the signer try again.
  EXPECT_TRUE(Eventually([&] {
    client->Sign("no/name", "").IgnoreError();
    return sign() != "OK" && Health(channel) == "NOT_SERVING";
  }));
  EXPECT_EQ(sign(), "UNAVAILABLE AUDIT_UNAVAILABLE");
  EXPECT_EQ(CodeAndReason(client->GetConnection("acme").status()), "UNAVAILABLE AUDIT_UNAVAILABLE");
  EXPECT_EQ(Recorded(), released);

  disk_.MakeRoom();
  EXPECT_TRUE(Eventually([&] { return sign() == "OK"; })) << signer_.daemon().Output();
  EXPECT_TRUE(Eventually([&] { return Health(channel) == "SERVING"; }));
  // An idle client may keep a signer that stops waiting for its goodbye.
  client.reset();
  channel.reset();
  Stop();
  // Whole lines, no gaps, and a record for what was released and nothing else.
  EXPECT_EQ(Recorded(), released);
}

TEST_F(AuditFaultsTest, AStartOnAFullDiskFails) {
  if (!disk_.mounted()) {
    GTEST_SKIP() << "needs the right to mount a tmpfs, to have a small disk: " << disk_.why_not();
  }
  Start();
  CreateConnection();
  signer_.daemon().Signal(SIGKILL);
  ASSERT_EQ(signer_.daemon().Wait(), 128 + SIGKILL);
  // A record that a crash cut off, and no room to end it.
  const std::string log = Log();
  const int fd = open(signer_.File("disk/audit.jsonl").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  const std::string half = "{\"sequence\":" + std::string(4096 - log.size() % 4096 - 12, ' ');
  ASSERT_EQ(write(fd, half.data(), half.size()), static_cast<ssize_t>(half.size()));
  close(fd);
  disk_.Fill();
  const testing::Finished finished = signer_.RunToEnd();
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, ::testing::HasSubstr("audit.file"));
  disk_.MakeRoom();
  Start();
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
}

}  // namespace
}  // namespace keyward::e2e
