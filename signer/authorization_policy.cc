#include "signer/authorization_policy.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/connection_name.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "common/utf8.h"
#include "common/yaml_reader.h"
#include "signer/identity_pattern.h"

namespace keyward::signer {
namespace {

constexpr size_t kMaxShownIdentityBytes = 256;

// In the order of enum Operation.
constexpr std::array<absl::string_view, 6> kOperationNames = {
    "sign", "view", "manage-connections", "rotate", "adopt", "exchange"};
constexpr absl::string_view kOperationList =
    "sign, view, manage-connections, rotate, adopt or exchange";

uint8_t BitOf(Operation operation) {
  return static_cast<uint8_t>(1U << static_cast<unsigned>(operation));
}

}  // namespace

// Builds a policy from its document and notes every mistake.
class PolicyReader {
 public:
  explicit PolicyReader(absl::string_view file) : mistakes_(file) {}

  absl::StatusOr<AuthorizationPolicy> Read(const YamlNode& document) {
    const YamlReader root(document, mistakes_);
    if (!root.IsNull() && root.ReadMapping({"roles"})) {
      const std::optional<YamlReader> roles = root.Find("roles");
      if (roles && !roles->IsNull()) {
        for (const YamlReader& role : roles->Items()) ReadRole(role);
      }
    }
    RETURN_IF_ERROR(mistakes_.ToStatus());
    return std::move(policy_);
  }

 private:
  using Role = AuthorizationPolicy::Role;

  void ReadRole(const YamlReader& reader) {
    if (!reader.ReadMapping({"name", "identities", "connections", "operations"})) return;
    Role role;
    ReadName(reader, role);
    const size_t index = policy_.roles_.size();
    for (const YamlReader& item : RequiredList(reader, "identities", "who has this role")) {
      ReadIdentity(item, index);
    }
    for (const YamlReader& item : RequiredList(reader, "connections", "names, prefix* or *")) {
      ReadConnection(item, role);
    }
    for (const YamlReader& item : RequiredList(reader, "operations", kOperationList)) {
      ReadOperation(item, role);
    }
    policy_.roles_.push_back(std::move(role));
  }

  void ReadName(const YamlReader& reader, Role& role) {
    const std::optional<YamlReader> name = reader.Require("name", "what the audit log shows");
    if (!name) return;
    role.name = name->Text().value_or("");
    const auto [first, is_new] = name_lines_.emplace(role.name, name->line());
    if (!role.name.empty() && !is_new) {
      name->Mistake(
          absl::StrCat("another role has the name \"", role.name, "\", in line ", first->second));
    }
  }

  static std::vector<YamlReader> RequiredList(const YamlReader& reader, absl::string_view key,
                                              absl::string_view what) {
    const std::optional<YamlReader> list = reader.Require(key, what);
    if (!list) return {};
    std::vector<YamlReader> items = list->Items();
    if (items.empty() && list->IsSequence()) {
      list->Mistake(absl::StrCat("must name at least one: ", what));
    }
    return items;
  }

  void ReadIdentity(const YamlReader& item, size_t role_index) {
    const std::optional<std::string> text = item.Text();
    if (!text) return;
    absl::StatusOr<IdentityPattern> pattern = ParseIdentityPattern(*text);
    if (!pattern.ok()) {
      item.Mistake(absl::StrCat("\"", *text, "\": ", pattern.status().message()));
      return;
    }
    auto& map = pattern->is_wildcard ? policy_.by_wildcard_ : policy_.by_identity_;
    std::vector<size_t>& indexes = map[pattern->key];
    if (indexes.empty() || indexes.back() != role_index) indexes.push_back(role_index);
  }

  static void ReadConnection(const YamlReader& item, Role& role) {
    const std::optional<std::string> text = item.Text();
    if (!text) return;
    absl::string_view prefix = *text;
    if (!absl::ConsumeSuffix(&prefix, "*")) {
      if (const absl::Status status = CheckConnectionName(*text); !status.ok()) {
        item.Mistake(absl::StrCat("\"", *text, "\": ", status.message()));
      }
      role.connections.insert(*text);
      return;
    }
    if (!IsConnectionNamePrefix(prefix)) {
      item.Mistake(absl::StrCat("\"", *text,
                                "\": must be a connection's name, the beginning of one "
                                "followed by '*', or '*' for all"));
    }
    role.connection_prefixes.emplace_back(prefix);
  }

  static void ReadOperation(const YamlReader& item, Role& role) {
    const std::optional<std::string> text = item.Text();
    if (!text) return;
    const auto* found = std::find(kOperationNames.begin(), kOperationNames.end(), *text);
    if (found == kOperationNames.end()) {
      item.Mistake(
          absl::StrCat("\"", *text, "\" is no operation: must be ", kOperationList,
                       DidYouMean(*text, {kOperationNames.begin(), kOperationNames.end()})));
      return;
    }
    role.operations |= BitOf(static_cast<Operation>(found - kOperationNames.begin()));
  }

  YamlMistakes mistakes_;
  AuthorizationPolicy policy_;
  std::map<std::string, int> name_lines_;
};

absl::string_view OperationName(Operation operation) {
  return kOperationNames[static_cast<size_t>(operation)];
}

absl::StatusOr<AuthorizationPolicy> AuthorizationPolicy::Parse(absl::string_view yaml,
                                                               absl::string_view file) {
  ASSIGN_OR_RETURN(const YamlNode document, ParseYaml(yaml, file));
  return PolicyReader(file).Read(document);
}

absl::StatusOr<AuthorizationPolicy> LoadPolicy(const std::string& file) {
  ASSIGN_OR_RETURN(const std::string yaml, ReadFile(file));
  return AuthorizationPolicy::Parse(yaml, file);
}

bool AuthorizationPolicy::Role::Covers(absl::string_view connection, Operation operation) const {
  if ((operations & BitOf(operation)) == 0) return false;
  return connections.contains(connection) ||
         std::any_of(
             connection_prefixes.begin(), connection_prefixes.end(),
             [&](const std::string& prefix) { return absl::StartsWith(connection, prefix); });
}

const AuthorizationPolicy::Role* AuthorizationPolicy::DecidingRole(absl::string_view identity,
                                                                   absl::string_view connection,
                                                                   Operation operation) const {
  const Role* deciding = nullptr;
  const auto consider = [&](const RoleIndexes& roles, absl::string_view key) {
    const auto found = roles.find(key);
    if (found == roles.end()) return;
    for (const size_t index : found->second) {
      const Role* role = &roles_[index];
      if (!role->Covers(connection, operation)) continue;
      if (deciding == nullptr || role < deciding) deciding = role;
      return;
    }
  };
  consider(by_identity_, identity);
  const absl::string_view wildcard = WildcardKeyOf(identity);
  if (!wildcard.empty()) consider(by_wildcard_, wildcard);
  return deciding;
}

Decision AuthorizationPolicy::Decide(absl::string_view identity, absl::string_view connection,
                                     Operation operation) const {
  if (const Role* role = DecidingRole(identity, connection, operation)) {
    return {.status = absl::OkStatus(), .role = role->name};
  }
  const absl::string_view name = OperationName(operation);
  return {.status = Error(
              absl::StatusCode::kPermissionDenied, "NOT_ALLOWED",
              absl::StrCat(
                  "no role allows ", Shown(identity, kMaxShownIdentityBytes), " the operation ",
                  name, " on the connection \"", Shown(connection),
                  "\": ask the operator to add one to the policy of the daemon that was asked")),
          .role = {}};
}

absl::Status WithPolicyMistakes(const absl::Status& mistakes, const std::string& file) {
  absl::Status policy = LoadPolicy(file).status();
  if (!absl::IsInvalidArgument(policy)) return mistakes;
  if (mistakes.ok()) return policy;
  return absl::InvalidArgumentError(absl::StrCat(mistakes.message(), "\n", policy.message()));
}

}  // namespace keyward::signer
