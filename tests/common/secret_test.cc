#include "common/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/match.h"

namespace keyward {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!Printable<Secret>, "a secret must not find its way into a log");

TEST(SecretTest, TakesTheTextOverAndWipesTheSource) {
  std::string pin = "1234";
  const char* buffer = pin.data();
  const Secret secret(std::move(pin));
  EXPECT_EQ(secret.Expose(), "1234");
  EXPECT_EQ(std::string(buffer, 4), std::string(4, '\0'));
}

TEST(SecretTest, MovingLeavesNothingBehind) {
  Secret first(std::string("1234"));
  const char* buffer = first.Expose().data();
  const Secret second = std::move(first);
  EXPECT_EQ(second.Expose(), "1234");
  EXPECT_EQ(std::string(buffer, 4), std::string(4, '\0'));
}

// What the kernel says of the pages at `address`: a line of /proc/self/smaps.
std::string PagesAt(const char* address, absl::string_view key) {
  std::ifstream smaps("/proc/self/smaps");
  bool is_there = false;
  for (std::string line; std::getline(smaps, line);) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    if (sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) {
      const auto at = reinterpret_cast<uintptr_t>(address);
      is_there = begin <= at && at < end;
    } else if (is_there && absl::StartsWith(line, key)) {
      return line;
    }
  }
  return "";
}

TEST(SecretTest, APinIsLockedAndInNoDump) {
  Secret secret = LockedSecret("1234");
  EXPECT_EQ(secret.Expose(), "1234");
  EXPECT_TRUE(secret.is_locked());
  const std::string flags = PagesAt(secret.Expose().data(), "VmFlags:") + " ";
  EXPECT_THAT(flags, ::testing::HasSubstr(" lo "));
  EXPECT_THAT(flags, ::testing::HasSubstr(" dd "));

  const char* pages = secret.Expose().data();
  Secret moved = std::move(secret);
  EXPECT_EQ(moved.Expose().data(), pages);
  EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(Secret(std::string("1234")).is_locked());
  moved = LockedSecret("567");
  EXPECT_EQ(moved.Expose(), "567");
  moved.Wipe();
  EXPECT_TRUE(moved.empty());
  EXPECT_TRUE(LockedSecret("").empty());
}

TEST(SecretTest, APinThatTheSystemDoesNotLockWorksAllTheSame) {
  // Root may lock without a limit, so a child gives that up.
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none = {0, 0};
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (getuid() == 0 && setuid(65534) != 0)) _exit(2);
    const Secret secret = LockedSecret("1234");
    _exit(secret.Expose() == "1234" && !secret.is_locked() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(SecretTest, WipesWhatLiesBehindAShortenedEnd) {
  std::string text = "a-long-access-token-that-is-on-the-heap";
  const char* buffer = text.data();
  const size_t size = text.size();
  text.resize(3);
  WipeString(text);
  EXPECT_EQ(std::string(buffer, size), std::string(size, '\0'));
}

}  // namespace
}  // namespace keyward
