#include "signer/policy_patterns.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

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

}  // namespace keyward::signer
