#include "common/secret.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <utility>

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
