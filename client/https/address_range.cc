#include "client/https/address_range.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace keyward::client {
namespace {

struct Address {
  std::array<uint8_t, 16> bytes{};
  int bits = 0;
};

std::optional<Address> Read(absl::string_view text) {
  if (text.find('\0') != absl::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  Address address;
  if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) {
    address.bits = 32;
  } else if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) {
    address.bits = 128;
  } else {
    return std::nullopt;
  }
  return address;
}

}  // namespace

bool IsInRange(absl::string_view address, absl::string_view range) {
  const size_t slash = range.find('/');
  absl::string_view first = range.substr(0, slash);
  if (absl::ConsumePrefix(&first, "[") && !absl::ConsumeSuffix(&first, "]")) return false;
  const std::optional<Address> a = Read(address);
  const std::optional<Address> b = Read(first);
  if (!a || !b || a->bits != b->bits) return false;
  int bits = a->bits;
  if (slash != absl::string_view::npos &&
      (!absl::SimpleAtoi(range.substr(slash + 1), &bits) || bits < 0 || bits > a->bits)) {
    return false;
  }
  for (int bit = 0; bit < bits; ++bit) {
    const int byte = bit / 8;
    if (((a->bytes[byte] ^ b->bytes[byte]) & (0x80 >> (bit % 8))) != 0) return false;
  }
  return true;
}

}  // namespace keyward::client
