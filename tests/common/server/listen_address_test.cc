#include "common/server/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "common/file.h"
#include "common/unique_fd.h"
#include "tests/testing/temp_dir.h"

namespace keyward::server {
namespace {

using ::testing::HasSubstr;

TEST(ListenAddressTest, KnowsHostAndPort) {
  for (const char* good : {"127.0.0.1:7443", "[::1]:0", "localhost:65535", "0.0.0.0:1"}) {
    EXPECT_EQ(WrongWithListen(good), "") << good;
  }
  for (const char* wrong : {"", "localhost", ":7443", "::1:7443", "[::1:1", "a b:1"}) {
    EXPECT_THAT(WrongWithListen(wrong), HasSubstr("must be HOST:PORT")) << wrong;
  }
  for (const char* wrong : {"a:", "a:65536", "a:-1", "a:x", "a:+1"}) {
    EXPECT_THAT(WrongWithListen(wrong), HasSubstr("the port must be")) << wrong;
  }
}

TEST(ListenAddressTest, KnowsPathsOfSockets) {
  EXPECT_EQ(WrongWithUnixSocket("/run/keyward/exchange.sock"), "");
  EXPECT_EQ(WrongWithUnixSocket("/s"), "");
  for (const char* wrong : {"", "exchange.sock", "/run/keyward/"}) {
    EXPECT_NE(WrongWithUnixSocket(wrong), "") << wrong;
  }
  EXPECT_THAT(WrongWithUnixSocket("/" + std::string(107, 'a')), HasSubstr("too long"));
  EXPECT_EQ(WrongWithUnixSocket("/" + std::string(106, 'a')), "");
  // What is bound first is longer than a short name.
  EXPECT_THAT(WrongWithUnixSocket("/" + std::string(100, 'a') + "/s"), HasSubstr("too long"));
}

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

// Listens as gRPC would.
UniqueFd ListenOn(const std::string& path) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM, 0));
  const sockaddr_un address = AddressOf(path);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(listen(fd.get(), 8), 0);
  return fd;
}

UniqueFd ListenAt(const UnixSocketPlace& place) {
  return ListenOn(place.bind_address().substr(std::string("unix:").size()));
}

bool CanConnect(const std::string& path) {
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM, 0));
  const sockaddr_un address = AddressOf(path);
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

class UnixSocketPlaceTest : public ::testing::Test {
 protected:
  std::unique_ptr<UnixSocketPlace> New(mode_t mode = 0600) const {
    auto place = UnixSocketPlace::New({.path = path_, .mode = mode});
    EXPECT_TRUE(place.ok()) << place.status();
    return *std::move(place);
  }

  absl::Status WhyNot() const { return UnixSocketPlace::New({.path = path_}).status(); }

  // What the folder holds, hidden files too.
  int Entries() const {
    const std::filesystem::directory_iterator files(dir_.path());
    return static_cast<int>(std::distance(begin(files), end(files)));
  }

  keyward::testing::TempDir dir_;
  const std::string path_ = dir_.File("s.sock");
};

TEST_F(UnixSocketPlaceTest, ComesWithItsModeAndGoes) {
  for (const mode_t mode : {0600U, 0660U, 0666U}) {
    auto place = New(mode);
    EXPECT_EQ(place->address(), "unix:" + path_);
    const std::string bound = place->bind_address().substr(std::string("unix:").size());
    struct stat info {};
    // Until the mode is set, nobody else gets to it.
    ASSERT_EQ(stat(std::filesystem::path(bound).parent_path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0700U);
    const UniqueFd listening = ListenAt(*place);
    EXPECT_FALSE(CanConnect(path_));
    ASSERT_TRUE(place->Publish().ok());
    EXPECT_TRUE(CanConnect(path_));
    ASSERT_EQ(lstat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, mode);
    EXPECT_EQ(Entries(), 1);
    place.reset();
    EXPECT_EQ(Entries(), 0);
  }
}

TEST_F(UnixSocketPlaceTest, ReplacesTheSocketOfAProcessThatIsGone) {
  { const UniqueFd dead = ListenOn(path_); }
  EXPECT_EQ(Entries(), 1);
  auto place = New();
  const UniqueFd listening = ListenAt(*place);
  ASSERT_TRUE(place->Publish().ok());
  EXPECT_TRUE(CanConnect(path_));
  EXPECT_EQ(Entries(), 1);
}

TEST_F(UnixSocketPlaceTest, LeavesTheSocketOfAProcessThatLives) {
  const UniqueFd living = ListenOn(path_);
  EXPECT_TRUE(absl::IsUnavailable(WhyNot()));
  EXPECT_THAT(std::string(WhyNot().message()), HasSubstr(path_ + ": another process serves"));
  EXPECT_TRUE(CanConnect(path_));
  EXPECT_EQ(Entries(), 1);
}

TEST_F(UnixSocketPlaceTest, OneOfTwoThatStartAtATimeWins) {
  auto winner = New();
  auto loser = New();
  const UniqueFd first = ListenAt(*winner);
  const UniqueFd second = ListenAt(*loser);
  ASSERT_TRUE(winner->Publish().ok());
  EXPECT_TRUE(absl::IsUnavailable(loser->Publish()));
  loser.reset();
  EXPECT_TRUE(CanConnect(path_));
  EXPECT_EQ(Entries(), 1);
}

TEST_F(UnixSocketPlaceTest, NeverRemovesWhatIsNoSocket) {
  auto late = New();
  const UniqueFd listening = ListenAt(*late);
  ASSERT_TRUE(WriteFile(path_, "precious").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(WhyNot())) << WhyNot();
  EXPECT_TRUE(absl::IsFailedPrecondition(late->Publish()));
  late.reset();
  EXPECT_EQ(ReadFile(path_).value_or(""), "precious");
  // A link is not followed, whatever it leads to.
  const UniqueFd elsewhere = ListenOn(dir_.File("elsewhere"));
  std::filesystem::remove(path_);
  std::filesystem::create_symlink(dir_.File("elsewhere"), path_);
  EXPECT_TRUE(absl::IsFailedPrecondition(WhyNot()));
}

TEST_F(UnixSocketPlaceTest, LeavesAnothersSocketAtTheEnd) {
  auto place = New();
  {
    const UniqueFd listening = ListenAt(*place);
    ASSERT_TRUE(place->Publish().ok());
  }
  std::filesystem::remove(path_);
  const UniqueFd others = ListenOn(path_);
  place.reset();
  EXPECT_TRUE(CanConnect(path_));
}

TEST_F(UnixSocketPlaceTest, RefusesWhatCannotBe) {
  EXPECT_TRUE(absl::IsInvalidArgument(UnixSocketPlace::New({.path = "s.sock"}).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(UnixSocketPlace::New({.path = path_, .mode = 04600}).status()));
  EXPECT_TRUE(absl::IsNotFound(UnixSocketPlace::New({.path = dir_.File("absent/s")}).status()));
}

}  // namespace
}  // namespace keyward::server
