#include "common/subject_pattern.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/dns_name.h"
#include "common/utf8.h"

namespace keyward {
namespace {

constexpr char kForm[] = "write it like \"integration-*@acme.example\": ";

absl::Status Wrong(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(kForm, what));
}

size_t CountOf(absl::string_view text, char c) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), c));
}

bool HasUpperCase(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

bool IsSubject(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxSubjectBytes && text.front() != ' ' &&
         text.back() != ' ' && IsValidUtf8(text) && !HasControlCharacter(text);
}

bool HasWildcard(absl::string_view text) { return absl::StrContains(text, '*'); }

absl::Status CheckSubjectPattern(absl::string_view pattern) {
  if (!IsSubject(pattern)) {
    return Wrong("1 to 255 bytes of UTF-8 without control characters or outer spaces");
  }
  if (HasUpperCase(pattern)) return Wrong("in lower case, as Salesforce's user names are");
  if (CountOf(pattern, '*') != 1) return Wrong("there must be one \"*\"");
  if (CountOf(pattern, '@') != 1) return Wrong("there must be one \"@\"");
  const size_t at = pattern.find('@');
  if (pattern.find('*') > at) return Wrong("the \"*\" must stand before the \"@\"");
  if (const absl::Status domain = CheckDnsName(pattern.substr(at + 1)); !domain.ok()) {
    return Wrong(absl::StrCat("behind the \"@\" there must be a whole domain: ", domain.message()));
  }
  return absl::OkStatus();
}

bool MatchesSubjectPattern(absl::string_view pattern, absl::string_view subject) {
  if (!IsSubject(subject)) return false;
  const size_t star = pattern.find('*');
  if (star == absl::string_view::npos) return pattern == subject;
  const absl::string_view before = pattern.substr(0, star);
  const absl::string_view behind = pattern.substr(star + 1);
  // A pattern that was not checked must not reach further than one that was.
  const size_t at = behind.find('@');
  if (at == absl::string_view::npos || at + 1 == behind.size() || HasWildcard(behind) ||
      absl::StrContains(before, '@')) {
    return false;
  }
  if (subject.size() <= before.size() + behind.size() || !absl::StartsWith(subject, before) ||
      !absl::EndsWith(subject, behind)) {
    return false;
  }
  const absl::string_view between =
      subject.substr(before.size(), subject.size() - before.size() - behind.size());
  return !absl::StrContains(between, '@') && !HasUpperCase(between);
}

}  // namespace keyward
