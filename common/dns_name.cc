#include "common/dns_name.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace keyward {
namespace {

constexpr size_t kMaxNameBytes = 253;
constexpr size_t kMaxLabelBytes = 63;

bool IsLabelCharacter(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'z') || c == '-' ||
         c == '_';
}

}  // namespace

absl::Status CheckDnsName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || name.back() == '.') {
    return absl::InvalidArgumentError("a DNS name is 1 to 253 bytes without a final dot");
  }
  const std::vector<absl::string_view> labels = absl::StrSplit(name, '.');
  for (const absl::string_view label : labels) {
    if (label.empty() || label.size() > kMaxLabelBytes || label.front() == '-' ||
        label.back() == '-' || !std::all_of(label.begin(), label.end(), IsLabelCharacter)) {
      return absl::InvalidArgumentError(
          "a DNS name's labels are 1 to 63 lower-case letters, digits, '_' and inner hyphens");
    }
  }
  return absl::OkStatus();
}

}  // namespace keyward
