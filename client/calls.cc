#include "client/calls.h"

#include <algorithm>

namespace keyward::client {
namespace {

bool IsLowerHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

bool IsTraceparent(absl::string_view text) {
  return text.size() == 55 && text.substr(0, 3) == "00-" && IsLowerHex(text.substr(3, 32)) &&
         text[35] == '-' && IsLowerHex(text.substr(36, 16)) && text[52] == '-' &&
         IsLowerHex(text.substr(53));
}

}  // namespace keyward::client
