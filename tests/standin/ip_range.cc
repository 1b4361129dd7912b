#include "tests/standin/ip_range.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace keyward::standin {
namespace {

std::optional<uint32_t> ParseAddress(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

// First and last address.
std::optional<std::pair<uint32_t, uint32_t>> ParseRange(const std::string& range) {
  const bool block = absl::StrContains(range, '/');
  const std::vector<std::string> parts = absl::StrSplit(range, block ? '/' : '-');
  if (parts.size() > 2) return std::nullopt;
  const std::optional<uint32_t> first = ParseAddress(parts[0]);
  if (!first.has_value()) return std::nullopt;
  if (parts.size() == 1) return std::pair(*first, *first);
  if (block) {
    uint32_t bits = 0;
    if (!absl::SimpleAtoi(parts[1], &bits) || bits > 32) return std::nullopt;
    const uint32_t host = bits == 0 ? ~uint32_t{0} : (uint32_t{1} << (32 - bits)) - 1;
    return std::pair(*first & ~host, *first | host);
  }
  const std::optional<uint32_t> last = ParseAddress(parts[1]);
  if (!last.has_value() || *last < *first) return std::nullopt;
  return std::pair(*first, *last);
}

}  // namespace

bool IsIpRange(const std::string& range) { return ParseRange(range).has_value(); }

bool InIpRanges(const std::string& address, const std::vector<std::string>& ranges) {
  if (ranges.empty()) return true;
  const std::optional<uint32_t> number = ParseAddress(address);
  return number.has_value() &&
         std::any_of(ranges.begin(), ranges.end(), [&](const std::string& text) {
           const auto range = ParseRange(text);
           return range.has_value() && range->first <= *number && *number <= range->second;
         });
}

}  // namespace keyward::standin
