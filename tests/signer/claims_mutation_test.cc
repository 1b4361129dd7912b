// Mutates claims at random, the same way in every run, and compares the answer
// of the claims policy with that of a second, independent reading of the rules.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "signer/claims_policy.h"

namespace keyward::signer {
namespace {

constexpr int64_t kNow = 1800000000;
constexpr int64_t kMaxLifetime = 300;
constexpr int64_t kSkew = 60;

registry::ConnectionSettings Settings() {
  registry::ConnectionSettings settings;
  settings.consumer_key = "KEY";
  settings.subjects = {"u@x", "\xC3\xBC@x", "\xF0\x9F\x98\x80"};
  settings.subject_patterns = {"w*@x"};
  settings.audiences = {"https://a", "https://b"};
  return settings;
}

// RFC 8259 and RFC 3629 by hand, for a flat object of strings and integers.
class StrictReader {
 public:
  explicit StrictReader(const std::string& text) : text_(text) {}

  bool Accepts() {
    if (text_.size() > 4096) return false;
    SkipSpace();
    if (!Take('{')) return false;
    for (bool first = true;; first = false) {
      SkipSpace();
      if (first && Take('}')) break;
      if (!ReadMember()) return false;
      SkipSpace();
      if (Take('}')) break;
      if (!Take(',')) return false;
    }
    SkipSpace();
    return at_ == text_.size() && seen_.count("iss") && seen_.count("sub") && seen_.count("aud") &&
           seen_.count("exp") && TimesFit();
  }

 private:
  int Peek() const { return at_ < text_.size() ? static_cast<unsigned char>(text_[at_]) : -1; }
  bool Take(char c) {
    if (Peek() != static_cast<unsigned char>(c)) return false;
    ++at_;
    return true;
  }
  void SkipSpace() {
    while (Peek() == ' ' || Peek() == '\t' || Peek() == '\n' || Peek() == '\r') ++at_;
  }

  bool ReadMember() {
    const std::optional<std::u32string> name = ReadString();
    if (!name) return false;
    SkipSpace();
    if (!Take(':')) return false;
    SkipSpace();
    const std::string key(name->begin(), name->end());
    if (key.size() != 3 || !seen_.insert(key).second) return false;
    if (key == "exp" || key == "nbf" || key == "iat") return ReadTime(key);
    const std::optional<std::u32string> value = ReadString();
    if (!value) return false;
    if (key == "iss") return *value == U"KEY";
    if (key == "sub") {
      return *value == U"u@x" || *value == U"\u00fc@x" || *value == U"\U0001F600" ||
             FitsPattern(*value);
    }
    if (key == "aud") return *value == U"https://a" || *value == U"https://b";
    return key == "jti" && !value->empty() && BytesOf(*value) <= 255 && !HasAny(*value, IsUnseen);
  }

  // "w*@x"
  static bool FitsPattern(const std::u32string& text) {
    return text.size() > 3 && text[0] == U'w' && text.find(U'@') == text.size() - 2 &&
           text.back() == U'x' && BytesOf(text) <= 255 && !HasAny(text, IsControl) &&
           !HasAny(text, IsUpperCase);
  }

  static bool IsControl(char32_t c) { return c < 32 || (c > 126 && c < 160); }
  static bool IsUpperCase(char32_t c) { return c >= U'A' && c <= U'Z'; }
  static bool IsUnseen(char32_t c) {
    return IsControl(c) ||
           std::u32string(
               U"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
                   .find(c) != std::u32string::npos;
  }
  static bool HasAny(const std::u32string& text, bool (*what)(char32_t)) {
    return std::any_of(text.begin(), text.end(), what);
  }

  bool TimesFit() {
    const int64_t exp = times_["exp"];
    if (exp <= kNow || exp > kNow + kMaxLifetime) return false;
    if (times_.count("nbf") != 0 && (times_["nbf"] > kNow + kSkew || times_["nbf"] >= exp)) {
      return false;
    }
    return times_.count("iat") == 0 || (times_["iat"] >= kNow - kMaxLifetime - kSkew &&
                                        times_["iat"] <= std::min(kNow + kSkew, exp));
  }

  bool ReadTime(const std::string& key) {
    std::string digits;
    while (Peek() >= '0' && Peek() <= '9') digits += text_[at_++];
    if (digits.empty() || digits.size() > 19 || (digits.size() > 1 && digits[0] == '0')) {
      return false;
    }
    if (Peek() == '.' || Peek() == 'e' || Peek() == 'E') return false;
    if (digits.size() == 19 && digits > "9223372036854775807") return false;
    times_[key] = std::stoll(digits);
    return true;
  }

  static size_t BytesOf(const std::u32string& text) {
    size_t bytes = 0;
    for (const char32_t c : text) bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    return bytes;
  }

  std::optional<std::u32string> ReadString() {
    if (!Take('"')) return std::nullopt;
    std::u32string text;
    while (!Take('"')) {
      const std::optional<char32_t> c = Peek() == '\\' ? ReadEscape() : ReadCodePoint();
      if (!c) return std::nullopt;
      text += *c;
    }
    return text;
  }

  std::optional<char32_t> ReadCodePoint() {
    const int lead = Peek();
    if (lead < 0x20) return std::nullopt;
    ++at_;
    if (lead < 0x80) return static_cast<char32_t>(lead);
    const int extra = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC0 || lead > 0xF7) return std::nullopt;
    char32_t c = static_cast<char32_t>(lead) & (0x3FU >> extra);
    for (int i = 0; i < extra; ++i) {
      if ((Peek() & 0xC0) != 0x80 || Peek() < 0) return std::nullopt;
      c = (c << 6) | (static_cast<char32_t>(Peek()) & 0x3F);
      ++at_;
    }
    constexpr std::array<char32_t, 4> kSmallest = {0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = c >= 0xD800 && c < 0xE000;
    if (c < kSmallest[static_cast<size_t>(extra)] || c > 0x10FFFF || is_surrogate) {
      return std::nullopt;
    }
    return c;
  }

  std::optional<char32_t> ReadEscape() {
    Take('\\');
    const int kind = Peek();
    ++at_;
    const std::string simple = "\"\\/bfnrt";
    const std::string meant = "\"\\/\b\f\n\r\t";
    const size_t index = kind < 0 ? std::string::npos : simple.find(static_cast<char>(kind));
    if (index != std::string::npos) return static_cast<unsigned char>(meant[index]);
    if (kind != 'u') return std::nullopt;
    const std::optional<char32_t> high = ReadHex();
    if (!high || (*high >= 0xDC00 && *high < 0xE000)) return std::nullopt;
    if (*high < 0xD800 || *high >= 0xE000) return high;
    if (!Take('\\') || !Take('u')) return std::nullopt;
    const std::optional<char32_t> low = ReadHex();
    if (!low || *low < 0xDC00 || *low >= 0xE000) return std::nullopt;
    return 0x10000 + ((*high - 0xD800) << 10) + (*low - 0xDC00);
  }

  std::optional<char32_t> ReadHex() {
    char32_t value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const int c = Peek();
      if (c < 0 || isxdigit(c) == 0) return std::nullopt;
      value = value * 16 + static_cast<char32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
  }

  const std::string& text_;
  size_t at_ = 0;
  std::set<std::string> seen_;
  std::map<std::string, int64_t> times_;
};

const std::vector<std::string>& Seeds() {
  static const auto* seeds = new std::vector<std::string>{
      R"({"iss":"KEY","sub":"u@x","aud":"https://a","exp":1800000180})",
      R"( { "exp" : 1800000300 , "aud":"https:\/\/b", "sub":"\u00fc@x","iss":"K\u0045Y" } )",
      R"({"iss":"KEY","sub":"\ud83d\ude00","aud":"https://a","exp":1800000061,"iat":1799999640,"nbf":1800000060})",
      R"({"iss":"KEY","sub":"w1@x","aud":"https://a","exp":1800000180,"jti":"j"})",
      "{\"jti\":\"\xF0\x9F\x98\x80\",\"iss\":\"KEY\",\"sub\":\"\xC3\xBC@x\",\"aud\":\"https://"
      "a\",\"exp\":1800000299}"};
  return *seeds;
}

// Pieces that matter to a JSON reader, spliced in whole.
const std::vector<std::string>& Pieces() {
  static const auto* pieces = new std::vector<std::string>{"{",
                                                           "}",
                                                           "[",
                                                           "]",
                                                           ",",
                                                           ":",
                                                           "\"",
                                                           "\\",
                                                           "\\u0000",
                                                           "\\ud800",
                                                           "\\udc00",
                                                           "\\u0069",
                                                           "\\n",
                                                           std::string("\0", 1),
                                                           "\xEF\xBB\xBF",
                                                           "\xFF",
                                                           "\xC0\x80",
                                                           "\xED\xA0\x80",
                                                           "\xC3\xBC",
                                                           "-",
                                                           "-0",
                                                           ".0",
                                                           "e0",
                                                           "E9",
                                                           "0",
                                                           "9223372036854775808",
                                                           "1800000060",
                                                           "1e999",
                                                           "null",
                                                           "true",
                                                           "/**/",
                                                           "\t",
                                                           " ",
                                                           "\x7f",
                                                           "\"iss\":\"KEY\",",
                                                           ",\"jti\":\"x\"",
                                                           ",\"nbf\":1",
                                                           ",\"iat\":1",
                                                           ",\"iat\":1800000000",
                                                           "\\u202e",
                                                           "\\u0085",
                                                           "\xC2\x85",
                                                           "w@x",
                                                           "w*@x",
                                                           "@",
                                                           "\"exp\"",
                                                           "\"\\u0065xp\":1800000002,",
                                                           "{}",
                                                           "[]",
                                                           ",\"jti\":{}",
                                                           ",\"jti\":[]"};
  return *pieces;
}

class Mutator {
 public:
  std::string Next() {
    std::string text = Seeds()[Below(Seeds().size())];
    for (size_t changes = Below(4); changes > 0; --changes) Change(text);
    return text;
  }

 private:
  size_t Below(size_t limit) { return random_() % limit; }

  void Change(std::string& text) {
    const size_t at = Below(text.size() + 1);
    switch (Below(6)) {
      case 0:
        text.insert(at, Pieces()[Below(Pieces().size())]);
        break;
      case 1:
        text.insert(at, 1, static_cast<char>(Below(256)));
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(Below(256));
        break;
      case 3:
        text.erase(at, 1 + Below(4));
        break;
      case 4:
        text.replace(at, Below(4), Pieces()[Below(Pieces().size())]);
        break;
      default:
        text.insert(at, text.substr(Below(text.size() + 1), Below(32)));
    }
  }

  // The same numbers in every run.
  std::mt19937 random_{20240229};  // NOLINT(cert-msc32-c,cert-msc51-cpp)
};

TEST(ClaimsMutationTest, AgreesWithAnIndependentStrictReader) {
  const registry::ConnectionSettings settings = Settings();
  Mutator mutator;
  int accepted = 0;
  constexpr int kRounds = 300000;
  for (int i = 0; i < kRounds; ++i) {
    const std::string claims = mutator.Next();
    const bool ours = CheckClaims(claims, settings, absl::FromUnixSeconds(kNow),
                                  {.max_lifetime = absl::Seconds(kMaxLifetime),
                                   .clock_skew = absl::Seconds(kSkew)})
                          .ok();
    ASSERT_EQ(ours, StrictReader(claims).Accepts()) << absl::CHexEscape(claims);
    accepted += ours ? 1 : 0;
  }
  // Both answers must be common, or the comparison says little.
  EXPECT_GT(accepted, kRounds / 10);
  EXPECT_LT(accepted, kRounds * 9 / 10);
}

}  // namespace
}  // namespace keyward::signer
