#include "signer/policy_reader.h"

#include <array>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/connection_name.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "common/subject_pattern.h"
#include "signer/identity_pattern.h"
#include "signer/policy_warnings.h"

namespace keyward::signer {
namespace {

constexpr absl::string_view kConnectionsAre = "names, prefix* or *";

template <typename Names>
std::string ListOf(const Names& names) {
  std::vector<absl::string_view> all(names.begin(), names.end());
  const absl::string_view last = all.back();
  all.pop_back();
  return absl::StrCat(absl::StrJoin(all, ", "), " or ", last);
}

template <typename Names>
std::string NoSuchWord(absl::string_view word, absl::string_view kind, const Names& names) {
  return absl::StrCat("\"", word, "\" is no ", kind, ": must be ", ListOf(names),
                      DidYouMean(word, {names.begin(), names.end()}));
}

// The items of a list that must have one.
std::vector<YamlReader> ItemsOf(const YamlReader& list, absl::string_view what) {
  std::vector<YamlReader> items = list.Items();
  if (items.empty() && list.IsSequence()) {
    list.Mistake(absl::StrCat("must name at least one: ", what));
  }
  return items;
}

std::vector<YamlReader> RequiredItems(const YamlReader& reader, absl::string_view key,
                                      absl::string_view what) {
  const std::optional<YamlReader> list = reader.Require(key, what);
  return list ? ItemsOf(*list, what) : std::vector<YamlReader>();
}

std::string NameOf(const YamlReader& reader, absl::string_view kind, absl::string_view what,
                   std::map<std::string, int>& lines) {
  const std::optional<YamlReader> name = reader.Require("name", what);
  if (!name) return "";
  std::string text = name->Text().value_or("");
  if (text.size() > kMaxPolicyNameBytes) {
    name->Mistake(absl::StrCat("must be at most ", kMaxPolicyNameBytes, " bytes long"));
  }
  const auto [first, is_new] = lines.emplace(text, name->line());
  if (!text.empty() && !is_new) {
    name->Mistake(
        absl::StrCat("another ", kind, " has the name \"", text, "\", in line ", first->second));
  }
  return text;
}

// `everybody_is_for`: where "*" may stand, for the message where it may not; empty where
// it may.
void ReadIdentity(const YamlReader& item, absl::string_view everybody_is_for, IdentitySet& set,
                  std::vector<PolicyItem>& items) {
  const std::optional<std::string> text = item.Text();
  if (!text) return;
  if (*text == kAll) {
    if (!everybody_is_for.empty()) {
      item.Mistake(absl::StrCat("\"*\" stands for everybody, ", everybody_is_for));
    }
    set.AddEverybody();
  } else {
    const absl::StatusOr<IdentityPattern> pattern = ParseIdentityPattern(*text);
    if (!pattern.ok()) {
      item.Mistake(absl::StrCat("\"", *text, "\": ", pattern.status().message()));
      return;
    }
    set.Add(*pattern);
  }
  items.push_back({*text, item.line()});
}

void ReadConnection(const YamlReader& item, ConnectionSet& set, std::vector<PolicyItem>& items) {
  const std::optional<std::string> text = item.Text();
  if (!text) return;
  absl::string_view prefix = *text;
  if (!absl::ConsumeSuffix(&prefix, kAll)) {
    if (const absl::Status status = CheckConnectionName(*text); !status.ok()) {
      item.Mistake(absl::StrCat("\"", *text, "\": ", status.message()));
      return;
    }
  } else if (!IsConnectionNamePrefix(prefix)) {
    item.Mistake(absl::StrCat("\"", *text,
                              "\": must be a connection's name, the beginning of one "
                              "followed by '*', or '*' for all"));
    return;
  }
  set.Add(*text);
  items.push_back({*text, item.line()});
}

absl::Status NoSubject() {
  return absl::InvalidArgumentError(absl::StrCat("must be a Salesforce user name of at most ",
                                                 kMaxSubjectBytes,
                                                 " bytes, without a space at either end"));
}

}  // namespace

PolicyReader::PolicyReader(absl::string_view file, absl::string_view yaml)
    : file_(file), mistakes_(file) {
  policy_.sha256_ = HexSha256(yaml);
}

absl::StatusOr<AuthorizationPolicy> PolicyReader::Read(const YamlNode& document) {
  const YamlReader root(document, mistakes_);
  if (!root.IsNull() && root.ReadMapping({"roles", "quotas", "approvals"})) {
    const auto read = [&](absl::string_view key, void (PolicyReader::*part)(const YamlReader&)) {
      const std::optional<YamlReader> found = root.Find(key);
      if (found && !found->IsNull()) (this->*part)(*found);
    };
    read("roles", &PolicyReader::ReadRoles);
    read("quotas", &PolicyReader::ReadQuotas);
    read("approvals", &PolicyReader::ReadApprovals);
  }
  RETURN_IF_ERROR(mistakes_.ToStatus());
  policy_.BuildIndex();
  policy_.warnings_ = PolicyWarnings(policy_, file_);
  return std::move(policy_);
}

void PolicyReader::ReadRoles(const YamlReader& list) {
  const std::vector<YamlReader> roles = list.Items();
  if (roles.size() > kMaxRoles) {
    return list.Mistake(absl::StrCat("must be at most ", kMaxRoles, " roles"));
  }
  for (const YamlReader& role : roles) ReadRole(role);
}

void PolicyReader::ReadRole(const YamlReader& reader) {
  if (!reader.ReadMapping(
          {"name", "effect", "identities", "connections", "operations", "subjects"})) {
    return;
  }
  PolicyRole role;
  role.line = reader.line();
  role.name = NameOf(reader, "role", "what the audit log shows", role_lines_);
  if (const std::optional<YamlReader> effect = reader.Find("effect")) {
    const std::optional<std::string> text = effect->Text();
    role.denies = text == "deny";
    constexpr std::array<absl::string_view, 2> kEffects = {"allow", "deny"};
    if (text && !role.denies && text != "allow") {
      effect->Mistake(NoSuchWord(*text, "effect", kEffects));
    }
  }
  const absl::string_view everybody_is_for =
      role.denies ? "" : "which only a role with the effect deny may name";
  for (const YamlReader& item : RequiredItems(reader, "identities", "who has this role")) {
    ReadIdentity(item, everybody_is_for, role.identities, role.identity_items);
  }
  for (const YamlReader& item : RequiredItems(reader, "connections", kConnectionsAre)) {
    ReadConnection(item, role.connections, role.connection_items);
  }
  ReadOperations(reader, role);
  ReadSubjects(reader, role);
  policy_.roles_.push_back(std::move(role));
}

void PolicyReader::ReadOperations(const YamlReader& reader, PolicyRole& role) {
  for (const YamlReader& item : RequiredItems(reader, "operations", ListOf(kOperationNames))) {
    const std::optional<std::string> text = item.Text();
    if (!text) continue;
    if (*text == kAll) {
      if (!role.denies) {
        item.Mistake(
            "\"*\" stands for every operation, which only a role with the effect deny may name");
      }
      role.operations = (1U << kOperationNames.size()) - 1;
    } else if (const std::optional<Operation> operation = OperationOf(*text)) {
      role.operations |= BitOf(*operation);
    } else {
      item.Mistake(NoSuchWord(*text, "operation", kOperationNames));
      continue;
    }
    role.operation_items.push_back({*text, item.line()});
  }
}

void PolicyReader::ReadSubjects(const YamlReader& reader, PolicyRole& role) {
  const std::optional<YamlReader> list = reader.Find("subjects");
  if (!list) return;
  for (const YamlReader& item : ItemsOf(*list, "Salesforce users, or *@domain")) {
    const std::optional<std::string> text = item.Text();
    if (!text) continue;
    const absl::Status status = HasWildcard(*text) ? CheckSubjectPattern(*text)
                                : IsSubject(*text) ? absl::OkStatus()
                                                   : NoSubject();
    if (!status.ok()) {
      item.Mistake(absl::StrCat("\"", *text, "\": ", status.message()));
      continue;
    }
    role.subjects.Add(role.denies ? absl::AsciiStrToLower(*text) : *text);
    role.subject_items.push_back({*text, item.line()});
  }
  for (const PolicyItem& item : role.operation_items) {
    const std::optional<Operation> operation = OperationOf(item.text);
    if (operation && HasSubjects(*operation)) continue;
    list->Mistake(
        absl::StrCat("a role with subjects may have the operations sign and exchange only, has \"",
                     item.text, "\": no other is about a subject; write a role of its own for it"));
    return;
  }
}

void PolicyReader::ReadQuotas(const YamlReader& list) {
  const std::vector<YamlReader> quotas = list.Items();
  if (quotas.size() > kMaxQuotas) {
    return list.Mistake(absl::StrCat("must be at most ", kMaxQuotas, " quotas"));
  }
  for (const YamlReader& quota : quotas) ReadQuota(quota);
}

void PolicyReader::ReadQuota(const YamlReader& reader) {
  if (!reader.ReadMapping({"name", "identities", "connections", "per_second", "burst"})) return;
  PolicyQuota quota;
  quota.line = reader.line();
  quota.quota.name = NameOf(reader, "quota", "what a refusal shows", quota_lines_);
  const std::optional<YamlReader> identities = reader.Find("identities");
  const std::optional<YamlReader> connections = reader.Find("connections");
  if (identities.has_value() == connections.has_value()) {
    reader.Mistake("must name identities or connections, one of them, for whom it counts");
  } else if (identities) {
    for (const YamlReader& item : ItemsOf(*identities, "for whom it counts, or * for everybody")) {
      ReadIdentity(item, "", quota.identities, quota.identity_items);
    }
  } else {
    for (const YamlReader& item : ItemsOf(*connections, kConnectionsAre)) {
      ReadConnection(item, quota.connections, quota.connection_items);
    }
  }
  if (const auto rate = reader.Require("per_second", "how many calls a second, 0.01..100000")) {
    quota.quota.per_second = rate->Number(0.01, 100000).value_or(1);
  }
  if (const auto burst = reader.Require("burst", "how many calls at once, 1..100000")) {
    quota.quota.burst = static_cast<double>(burst->Integer(1, 100000).value_or(1));
  }
  policy_.quotas_.push_back(std::move(quota));
}

void PolicyReader::ReadApprovals(const YamlReader& reader) {
  if (!reader.ReadMapping({"required", "lifetime_minutes"})) return;
  for (const YamlReader& item : RequiredItems(reader, "required", ListOf(kChangeNames))) {
    const std::optional<std::string> text = item.Text();
    if (!text) continue;
    if (const std::optional<Change> change = ChangeOf(*text)) {
      policy_.approvals_ |= BitOf(*change);
      policy_.approval_items_.push_back({*text, item.line()});
    } else {
      item.Mistake(NoSuchWord(*text, "change that needs approval", kChangeNames));
    }
  }
  if (const auto lifetime = reader.Find("lifetime_minutes")) {
    policy_.approval_lifetime_ = absl::Minutes(lifetime->Integer(5, 10080).value_or(5));
  }
}

}  // namespace keyward::signer
