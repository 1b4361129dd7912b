// Builds an AuthorizationPolicy from the document of a policy file.
#ifndef KEYWARD_SIGNER_POLICY_READER_H_
#define KEYWARD_SIGNER_POLICY_READER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/yaml_reader.h"
#include "signer/authorization_policy.h"

namespace keyward::signer {

// For one document. Not thread-safe.
class PolicyReader {
 public:
  // `file` is a name for messages; `yaml` its contents.
  PolicyReader(absl::string_view file, absl::string_view yaml);

  // The policy with its warnings. Errors as AuthorizationPolicy::Parse().
  absl::StatusOr<AuthorizationPolicy> Read(const YamlNode& document);

 private:
  // Lines of the names in a list, by name.
  using NameLines = std::map<std::string, int>;

  void ReadRoles(const YamlReader& list);
  void ReadRole(const YamlReader& reader);
  void ReadOperations(const YamlReader& reader, PolicyRole& role);
  void ReadSubjects(const YamlReader& reader, PolicyRole& role);
  void ReadQuotas(const YamlReader& list);
  void ReadQuota(const YamlReader& reader);
  void ReadApprovals(const YamlReader& reader);

  const std::string file_;
  YamlMistakes mistakes_;
  AuthorizationPolicy policy_;
  NameLines role_lines_;
  NameLines quota_lines_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_POLICY_READER_H_
