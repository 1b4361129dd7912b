#include "signer/identity_pattern.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/dns_name.h"
#include "signer/caller_identity.h"

namespace keyward::signer {
namespace {

constexpr absl::string_view kSpiffePrefix = "spiffe://";
constexpr absl::string_view kDnsPrefix = "dns:";
constexpr absl::string_view kCnPrefix = "cn:";
// What a wildcard is replaced with to check the rest of its pattern.
constexpr absl::string_view kAnyName = "x";

absl::Status MisplacedWildcard() {
  return absl::InvalidArgumentError(
      "'*' stands for the whole last path segment (spiffe://domain/path/*) or the whole "
      "leftmost label (dns:*.example.com), nowhere else");
}

absl::StatusOr<IdentityPattern> ParseSpiffe(absl::string_view pattern) {
  absl::string_view parent = pattern;
  const bool is_wildcard = absl::ConsumeSuffix(&parent, "/*");
  if (absl::StrContains(parent, '*')) return MisplacedWildcard();
  if (!is_wildcard) {
    if (absl::Status status = CheckSpiffeId(pattern); !status.ok()) return status;
    return IdentityPattern{.is_wildcard = false, .key = std::string(pattern)};
  }
  IdentityPattern wildcard{.is_wildcard = true, .key = absl::StrCat(parent, "/")};
  absl::Status status = CheckSpiffeId(absl::StrCat(wildcard.key, kAnyName));
  if (!status.ok()) return status;
  return wildcard;
}

absl::StatusOr<IdentityPattern> ParseDns(absl::string_view pattern) {
  const absl::string_view name = absl::StripPrefix(pattern, kDnsPrefix);
  absl::string_view parent = name;
  const bool is_wildcard = absl::ConsumePrefix(&parent, "*.");
  if (absl::StrContains(parent, '*')) return MisplacedWildcard();
  if (!is_wildcard) {
    if (absl::Status status = CheckDnsName(name); !status.ok()) return status;
    return IdentityPattern{.is_wildcard = false, .key = std::string(pattern)};
  }
  IdentityPattern wildcard{.is_wildcard = true, .key = absl::StrCat(".", parent)};
  absl::Status status = CheckDnsName(absl::StrCat(kAnyName, wildcard.key));
  if (!status.ok()) return status;
  return wildcard;
}

}  // namespace

absl::StatusOr<IdentityPattern> ParseIdentityPattern(absl::string_view pattern) {
  if (absl::StartsWith(pattern, kSpiffePrefix)) return ParseSpiffe(pattern);
  if (absl::StartsWith(pattern, kDnsPrefix)) return ParseDns(pattern);
  if (absl::StartsWith(pattern, kCnPrefix)) {
    if (absl::StrContains(pattern, '*')) return MisplacedWildcard();
    absl::Status status = CheckCommonName(absl::StripPrefix(pattern, kCnPrefix));
    if (!status.ok()) return status;
    return IdentityPattern{.is_wildcard = false, .key = std::string(pattern)};
  }
  return absl::InvalidArgumentError("an identity begins with spiffe://, dns: or cn:");
}

// "spiffe://a/b/" of "spiffe://a/b/c", ".example.com" of "dns:www.example.com":
// what is before the last slash, and behind the first dot. Neither can be taken
// for the other.
absl::string_view WildcardKeyOf(absl::string_view identity) {
  if (absl::StartsWith(identity, kSpiffePrefix)) {
    return identity.substr(0, identity.rfind('/') + 1);
  }
  if (absl::StartsWith(identity, kDnsPrefix)) {
    const size_t dot = identity.find('.');
    return dot == absl::string_view::npos ? absl::string_view() : identity.substr(dot);
  }
  return {};
}

}  // namespace keyward::signer
