#include "signer/policy_patterns.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/subject_pattern.h"

namespace keyward::signer {

void IdentitySet::Add(const IdentityPattern& pattern) {
  (pattern.is_wildcard ? wildcards_ : exact_).insert(pattern.key);
}

bool IdentitySet::Contains(absl::string_view identity) const {
  if (everybody_ || exact_.contains(identity)) return true;
  if (wildcards_.empty()) return false;
  const absl::string_view wildcard = WildcardKeyOf(identity);
  return !wildcard.empty() && wildcards_.contains(wildcard);
}

bool IdentitySet::Covers(absl::string_view item) const {
  if (everybody_ || item == kAll) return everybody_;
  const absl::StatusOr<IdentityPattern> pattern = ParseIdentityPattern(item);
  if (!pattern.ok()) return false;
  return pattern->is_wildcard ? wildcards_.contains(pattern->key) : Contains(pattern->key);
}

void ConnectionSet::Add(absl::string_view item) {
  if (absl::ConsumeSuffix(&item, kAll)) {
    prefixes_.emplace_back(item);
  } else {
    names_.emplace(item);
  }
}

bool ConnectionSet::Contains(absl::string_view connection) const {
  return names_.contains(connection) ||
         std::any_of(prefixes_.begin(), prefixes_.end(), [&](const std::string& prefix) {
           return absl::StartsWith(connection, prefix);
         });
}

bool ConnectionSet::ContainsAll() const {
  return std::any_of(prefixes_.begin(), prefixes_.end(),
                     [](const std::string& prefix) { return prefix.empty(); });
}

bool ConnectionSet::Covers(absl::string_view item) const {
  if (!absl::ConsumeSuffix(&item, kAll)) return Contains(item);
  return std::any_of(prefixes_.begin(), prefixes_.end(),
                     [&](const std::string& prefix) { return absl::StartsWith(item, prefix); });
}

bool ConnectionSet::Overlaps(absl::string_view item) const {
  absl::string_view prefix = item;
  if (!absl::ConsumeSuffix(&prefix, kAll)) return Contains(item);
  return std::any_of(names_.begin(), names_.end(),
                     [&](const std::string& name) { return absl::StartsWith(name, prefix); }) ||
         std::any_of(prefixes_.begin(), prefixes_.end(), [&](const std::string& other) {
           return absl::StartsWith(other, prefix) || absl::StartsWith(prefix, other);
         });
}

void SubjectSet::Add(absl::string_view item) {
  if (HasWildcard(item)) {
    patterns_.emplace_back(item);
  } else {
    exact_.emplace(item);
  }
}

bool SubjectSet::Contains(absl::string_view subject) const {
  return exact_.contains(subject) ||
         std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string& pattern) {
           return MatchesSubjectPattern(pattern, subject);
         });
}

bool SubjectSet::Covers(absl::string_view item) const {
  if (!HasWildcard(item)) return Contains(item);
  // A pattern covers another where its two ends are ends of the other's: what the
  // other's "*" stands for is then part of what its own does.
  const std::pair<absl::string_view, absl::string_view> ends = absl::StrSplit(item, '*');
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string& pattern) {
    const std::pair<absl::string_view, absl::string_view> wider = absl::StrSplit(pattern, '*');
    return absl::StartsWith(ends.first, wider.first) && absl::EndsWith(ends.second, wider.second);
  });
}

}  // namespace keyward::signer
