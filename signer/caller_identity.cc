#include "signer/caller_identity.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/dns_name.h"
#include "common/error.h"
#include "common/utf8.h"

namespace keyward::signer {
namespace {

constexpr absl::string_view kSpiffeScheme = "spiffe:";
constexpr absl::string_view kSpiffePrefix = "spiffe://";
constexpr absl::string_view kDnsPrefix = "dns:";
constexpr absl::string_view kCommonNamePrefix = "cn:";
constexpr size_t kMaxSpiffeIdBytes = 2048;
constexpr size_t kMaxTrustDomainBytes = 255;
constexpr size_t kMaxCommonNameBytes = 255;

bool IsLowerOrDigit(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'z');
}

bool IsTrustDomainCharacter(char c) {
  return IsLowerOrDigit(c) || c == '.' || c == '-' || c == '_';
}

bool IsPathCharacter(char c) { return IsTrustDomainCharacter(c) || (c >= 'A' && c <= 'Z'); }

// Takes what is before the next `separator` off `text`, and the separator.
absl::string_view TakeUntil(absl::string_view& text, char separator) {
  const size_t end = std::min(text.find(separator), text.size());
  const absl::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

absl::Status CheckPathSegment(absl::string_view segment) {
  if (segment.empty()) {
    return absl::InvalidArgumentError("a SPIFFE ID has no empty path segment");
  }
  if (segment == "." || segment == "..") {
    return absl::InvalidArgumentError("a SPIFFE ID has no relative path segment");
  }
  if (!std::all_of(segment.begin(), segment.end(), IsPathCharacter)) {
    return absl::InvalidArgumentError(
        "a SPIFFE ID's path consists of letters, digits, '.', '-', '_' and '/'");
  }
  return absl::OkStatus();
}

absl::Status Refused(absl::string_view sentence) {
  return Error(absl::StatusCode::kUnauthenticated, "CLIENT_IDENTITY_INVALID",
               absl::StrCat("use another client certificate: ", sentence));
}

// "SPIFFE ID, DNS name or common name", as far as they count.
std::string Names(const IdentityKinds& kinds) {
  std::vector<absl::string_view> names;
  if (kinds.spiffe) names.push_back("SPIFFE ID");
  if (kinds.dns) names.push_back("DNS name");
  if (kinds.common_name) names.push_back("common name");
  if (names.size() < 2) return absl::StrJoin(names, "");
  const absl::string_view last = names.back();
  names.pop_back();
  return absl::StrCat(absl::StrJoin(names, ", "), " or ", last);
}

// `name` behind `prefix`, if it is the only one and passes `check`.
absl::StatusOr<std::string> OnlyName(const std::vector<std::string>& names,
                                     absl::string_view prefix, absl::string_view kind,
                                     absl::Status (*check)(absl::string_view)) {
  if (names.size() > 1) {
    return Refused(absl::StrCat("this one has ", names.size(), " ", kind,
                                "s, and which of them calls is not clear"));
  }
  std::string identity = absl::StrCat(prefix, names.front());
  const absl::string_view name = absl::string_view(identity).substr(prefix.size());
  if (absl::Status status = check(name); !status.ok()) {
    return Refused(absl::StrCat("the ", kind, " \"", Shown(name),
                                "\" of this one is malformed: ", status.message()));
  }
  return identity;
}

}  // namespace

absl::Status CheckSpiffeId(absl::string_view uri) {
  if (uri.size() > kMaxSpiffeIdBytes) {
    return absl::InvalidArgumentError("a SPIFFE ID has at most 2048 bytes");
  }
  if (!absl::StartsWith(uri, kSpiffePrefix)) {
    return absl::InvalidArgumentError("a SPIFFE ID begins with spiffe:// in lower case");
  }
  absl::string_view rest = uri.substr(kSpiffePrefix.size());
  const bool has_path = absl::StrContains(rest, '/');
  const absl::string_view trust_domain = TakeUntil(rest, '/');
  if (trust_domain.empty() || trust_domain.size() > kMaxTrustDomainBytes ||
      !std::all_of(trust_domain.begin(), trust_domain.end(), IsTrustDomainCharacter)) {
    return absl::InvalidArgumentError(
        "a SPIFFE ID's trust domain is 1 to 255 lower-case letters, digits, '.', '-' and '_'");
  }
  // X509-SVID section 3.1: the root path stands for the trust domain itself.
  if (!has_path) {
    return absl::InvalidArgumentError("a workload's SPIFFE ID has a path after the trust domain");
  }
  const bool ends_in_slash = rest.empty() || rest.back() == '/';
  if (ends_in_slash) return absl::InvalidArgumentError("a SPIFFE ID does not end with a slash");
  while (!rest.empty()) {
    absl::Status status = CheckPathSegment(TakeUntil(rest, '/'));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckCommonName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxCommonNameBytes) {
    return absl::InvalidArgumentError("a common name is 1 to 255 bytes");
  }
  if (!IsValidUtf8(name) || HasControlCharacter(name)) {
    return absl::InvalidArgumentError("a common name is UTF-8 without control characters");
  }
  return absl::OkStatus();
}

absl::Status CheckIdentity(absl::string_view identity) {
  if (absl::ConsumePrefix(&identity, kDnsPrefix)) return CheckDnsName(identity);
  if (absl::ConsumePrefix(&identity, kCommonNamePrefix)) return CheckCommonName(identity);
  if (absl::StartsWith(identity, kSpiffePrefix)) return CheckSpiffeId(identity);
  return absl::InvalidArgumentError("an identity begins with spiffe://, dns: or cn:");
}

absl::StatusOr<IdentityKinds> ParseIdentityKinds(const std::vector<std::string>& names) {
  if (names.empty()) return absl::InvalidArgumentError("must list spiffe, dns or cn");
  IdentityKinds kinds{.spiffe = false, .dns = false, .common_name = false};
  for (const std::string& name : names) {
    bool* const kind = name == "spiffe" ? &kinds.spiffe
                       : name == "dns"  ? &kinds.dns
                       : name == "cn"   ? &kinds.common_name
                                        : nullptr;
    if (kind == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("may list spiffe, dns and cn, not \"", Shown(name), "\""));
    }
    if (std::exchange(*kind, true)) {
      return absl::InvalidArgumentError(absl::StrCat("lists ", name, " twice"));
    }
  }
  return kinds;
}

std::vector<std::string> NamesOf(const IdentityKinds& kinds) {
  std::vector<std::string> names;
  if (kinds.spiffe) names.emplace_back("spiffe");
  if (kinds.dns) names.emplace_back("dns");
  if (kinds.common_name) names.emplace_back("cn");
  return names;
}

absl::StatusOr<std::string> CallerIdentity(const PeerCertificate& certificate,
                                           const IdentityKinds& kinds) {
  // Without regard to case, so that a misspelt SPIFFE ID is refused and not
  // passed over in favour of a weaker name.
  const bool has_spiffe = absl::c_any_of(certificate.uris, [](const std::string& uri) {
    return absl::StartsWithIgnoreCase(uri, kSpiffeScheme);
  });
  if (has_spiffe && !kinds.spiffe) {
    return Refused("this one has a SPIFFE ID, and this server does not go by those");
  }
  if (has_spiffe || (kinds.spiffe && certificate.uris.size() > 1)) {
    return OnlyName(certificate.uris, "", "URI name", &CheckSpiffeId);
  }
  if (kinds.dns && !certificate.dns_names.empty()) {
    std::vector<std::string> names = certificate.dns_names;
    for (std::string& name : names) absl::AsciiStrToLower(&name);
    return OnlyName(names, kDnsPrefix, "DNS name", &CheckDnsName);
  }
  if (kinds.common_name && !certificate.common_names.empty()) {
    return OnlyName(certificate.common_names, kCommonNamePrefix, "common name", &CheckCommonName);
  }
  return Refused(absl::StrCat("this one has no ", Names(kinds)));
}

absl::Status CheckOnBehalfOf(absl::string_view on_behalf_of) {
  if (on_behalf_of.empty()) return absl::OkStatus();
  const absl::Status checked = CheckIdentity(on_behalf_of);
  if (checked.ok()) return checked;
  return Error(absl::StatusCode::kInvalidArgument, "ON_BEHALF_OF_INVALID",
               absl::StrCat("on_behalf_of must be empty, or an identity as the signer writes it "
                            "(spiffe://..., dns:... or cn:...): ",
                            checked.message()));
}

}  // namespace keyward::signer
