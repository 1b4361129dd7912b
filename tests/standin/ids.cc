#include "tests/standin/ids.h"

#include <openssl/rand.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace keyward::standin {
namespace {

constexpr absl::string_view kAlphanumeric =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr absl::string_view kTokenText =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";

// Maps each random byte to one of 64 values and skips those beyond the alphabet,
// so that every character is equally likely.
std::string RandomText(size_t length, absl::string_view alphabet) {
  std::string text;
  while (text.size() < length) {
    std::array<uint8_t, 128> bytes;
    if (RAND_bytes(bytes.data(), bytes.size()) != 1) {
      (void)fprintf(stderr, "salesforce-standin: no random numbers\n");
      abort();
    }
    for (const uint8_t byte : bytes) {
      const size_t value = byte & 63U;
      if (value < alphabet.size() && text.size() < length) text.push_back(alphabet[value]);
    }
  }
  return text;
}

}  // namespace

std::string NewConsumerKey() { return absl::StrCat("3MVG9", RandomText(80, kTokenText)); }

std::string NewRecordId(absl::string_view prefix) {
  const std::string id = absl::StrCat(prefix, RandomText(12, kAlphanumeric));
  return absl::StrCat(id, CaseSuffix(id));
}

std::string NewAccessToken(absl::string_view organization_id) {
  return absl::StrCat(organization_id.substr(0, 15), "!", RandomText(96, kTokenText));
}

std::string CaseSuffix(absl::string_view id) {
  constexpr absl::string_view kSuffixText = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
  std::string suffix;
  for (size_t start = 0; start + 5 <= id.size(); start += 5) {
    size_t value = 0;
    for (size_t i = 0; i < 5; ++i) {
      if (absl::ascii_isupper(static_cast<unsigned char>(id[start + i]))) value |= size_t{1} << i;
    }
    suffix.push_back(kSuffixText[value]);
  }
  return suffix;
}

}  // namespace keyward::standin
