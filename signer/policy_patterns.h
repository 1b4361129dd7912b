// Sets of identities, connections and subjects, as the items of a list in policy.yaml
// describe them.
#ifndef KEYWARD_SIGNER_POLICY_PATTERNS_H_
#define KEYWARD_SIGNER_POLICY_PATTERNS_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "signer/identity_pattern.h"

namespace keyward::signer {

// Stands for everybody, and for every connection.
inline constexpr absl::string_view kAll = "*";

// An item of a list as it was written.
struct PolicyItem {
  std::string text;
  int line = 0;
};

// Immutable once it is filled, and then safe for use from several threads, as all here.
class IdentitySet {
 public:
  void AddEverybody() { everybody_ = true; }
  void Add(const IdentityPattern& pattern);

  bool has_everybody() const { return everybody_; }
  // Identities without a wildcard.
  const absl::flat_hash_set<std::string>& exact() const { return exact_; }
  // The keys of those with one.
  const absl::flat_hash_set<std::string>& wildcards() const { return wildcards_; }

  bool Contains(absl::string_view identity) const;
  // Whether it has every identity that `item`, which is well-formed, stands for.
  bool Covers(absl::string_view item) const;

 private:
  bool everybody_ = false;
  absl::flat_hash_set<std::string> exact_;
  absl::flat_hash_set<std::string> wildcards_;
};

class ConnectionSet {
 public:
  // "acme", "eu-*" or "*"; well-formed, here and below.
  void Add(absl::string_view item);

  // Allocates nothing.
  bool Contains(absl::string_view connection) const;
  bool ContainsAll() const;
  // Whether it has every connection that `item` stands for.
  bool Covers(absl::string_view item) const;
  // Whether a connection can be both in it and what `item` stands for.
  bool Overlaps(absl::string_view item) const;

 private:
  absl::flat_hash_set<std::string> names_;
  // What stands before the "*"; "" matches every name.
  std::vector<std::string> prefixes_;
};

class SubjectSet {
 public:
  // A user name or a pattern of common/subject_pattern; well-formed, here and below.
  void Add(absl::string_view item);

  bool empty() const { return exact_.empty() && patterns_.empty(); }
  // Allocates nothing.
  bool Contains(absl::string_view subject) const;
  // Whether it has every subject that `item` stands for.
  bool Covers(absl::string_view item) const;

 private:
  absl::flat_hash_set<std::string> exact_;
  std::vector<std::string> patterns_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_POLICY_PATTERNS_H_
