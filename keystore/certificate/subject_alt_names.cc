#include "keystore/certificate/subject_alt_names.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/dns_name.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/utf8.h"

namespace keyward {
namespace {

using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslDeleter<&GENERAL_NAMES_free>>;
using GeneralNamePtr = std::unique_ptr<GENERAL_NAME, OpensslDeleter<&GENERAL_NAME_free>>;
using Asn1StringPtr = std::unique_ptr<ASN1_STRING, OpensslDeleter<&ASN1_STRING_free>>;

constexpr size_t kMaxEmailBytes = 254;     // RFC 5321 section 4.5.3.1.3, without "<>"
constexpr size_t kMaxLocalPartBytes = 64;  // section 4.5.3.1.1
constexpr size_t kMaxUriBytes = 2048;

absl::Status Invalid(absl::string_view kind, absl::string_view value, absl::string_view why) {
  return Error(
      absl::StatusCode::kInvalidArgument, "CSR_SAN_INVALID",
      absl::StrCat("the ", kind, " \"", Shown(value), "\" cannot be an alternative name: ", why));
}

bool IsAlphanumeric(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

bool IsOneOf(char c, absl::string_view characters) { return absl::StrContains(characters, c); }

absl::Status CheckHostName(absl::string_view name) {
  return CheckDnsName(absl::AsciiStrToLower(name));
}

absl::Status CheckDns(absl::string_view name) {
  return CheckHostName(absl::StripPrefix(name, "*."));
}

bool IsDotAtom(absl::string_view text) {
  const std::vector<absl::string_view> atoms = absl::StrSplit(text, '.');
  return std::all_of(atoms.begin(), atoms.end(), [](absl::string_view atom) {
    return !atom.empty() && std::all_of(atom.begin(), atom.end(), [](char c) {
      return IsAlphanumeric(c) || IsOneOf(c, "!#$%&'*+-/=?^_`{|}~");
    });
  });
}

absl::Status CheckEmail(absl::string_view address) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(address, absl::MaxSplits('@', 1));
  if (address.size() > kMaxEmailBytes || parts.first.size() > kMaxLocalPartBytes) {
    return absl::InvalidArgumentError("at most 64 bytes, '@' and a host name, 254 bytes together");
  }
  if (!IsDotAtom(parts.first)) {
    return absl::InvalidArgumentError("write it as name@host, without quotes and comments");
  }
  return CheckHostName(parts.second);
}

// unreserved, gen-delims, sub-delims and pct-encoded of RFC 3986 section 2.
bool HasOnlyUriCharacters(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) ||
          !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]))) {
        return false;
      }
    } else if (!IsAlphanumeric(c) && !IsOneOf(c, "-._~:/?#[]@!$&'()*+,;=")) {
      return false;
    }
  }
  return true;
}

absl::Status CheckUri(absl::string_view uri) {
  const size_t colon = uri.find(':');
  if (uri.size() > kMaxUriBytes || !HasOnlyUriCharacters(uri)) {
    return absl::InvalidArgumentError(
        "a URI is at most 2048 ASCII characters of RFC 3986; write others as %HH");
  }
  const absl::string_view scheme = uri.substr(0, colon == absl::string_view::npos ? 0 : colon);
  if (scheme.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(scheme.front())) ||
      !std::all_of(scheme.begin(), scheme.end(),
                   [](char c) { return IsAlphanumeric(c) || IsOneOf(c, "+-."); })) {
    return absl::InvalidArgumentError("it does not begin with a scheme, as in spiffe://");
  }
  absl::string_view rest = uri.substr(colon + 1);
  const bool has_authority = absl::ConsumePrefix(&rest, "//");
  if (rest.empty() || (has_authority && IsOneOf(rest.front(), "/?#"))) {
    return absl::InvalidArgumentError("nothing, or no host, follows the scheme");
  }
  return absl::OkStatus();
}

// The octets of section 4.2.1.6, in network byte order; empty for what is no address.
std::string IpAddressOctets(const std::string& text) {
  std::string octets(sizeof(in6_addr), '\0');
  if (text.find('\0') != std::string::npos) return "";
  if (inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) return octets;
  if (inet_pton(AF_INET, text.c_str(), octets.data()) != 1) return "";
  octets.resize(sizeof(in_addr));
  return octets;
}

absl::Status Add(GENERAL_NAMES* names, int type, absl::string_view octets) {
  Asn1StringPtr value(
      ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING));
  GeneralNamePtr name(GENERAL_NAME_new());
  if (value == nullptr || name == nullptr ||
      ASN1_STRING_set(value.get(), octets.data(), static_cast<int>(octets.size())) != 1) {
    return OpensslError("cannot make an alternative name");
  }
  GENERAL_NAME_set0_value(name.get(), type, value.release());
  if (sk_GENERAL_NAME_push(names, name.get()) <= 0) {
    return OpensslError("cannot add an alternative name");
  }
  static_cast<void>(name.release());  // the stack has it now
  return absl::OkStatus();
}

absl::Status AddTexts(GENERAL_NAMES* names, int type, absl::string_view kind,
                      const std::vector<std::string>& values,
                      absl::Status (*check)(absl::string_view)) {
  for (const std::string& value : values) {
    const absl::Status checked = check(value);
    if (!checked.ok()) return Invalid(kind, value, checked.message());
    RETURN_IF_ERROR(Add(names, type, value));
  }
  return absl::OkStatus();
}

absl::Status AddIpAddresses(GENERAL_NAMES* names, const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    const std::string octets = IpAddressOctets(address);
    if (octets.empty()) {
      return Invalid("IP address", address,
                     "write IPv4 as four decimals, IPv6 with colons, without prefix length");
    }
    RETURN_IF_ERROR(Add(names, GEN_IPADD, octets));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExtensionPtr> MakeSubjectAltNames(const SubjectAltNames& names, bool critical) {
  const size_t count = names.dns.size() + names.email.size() + names.uri.size() + names.ip.size();
  if (count > kMaxSubjectAltNames) {
    return Error(absl::StatusCode::kInvalidArgument, "CSR_SAN_INVALID",
                 absl::StrCat(count, " alternative names are too many; ask for at most ",
                              kMaxSubjectAltNames));
  }
  const GeneralNamesPtr general_names(GENERAL_NAMES_new());
  if (general_names == nullptr) return OpensslError("cannot make alternative names");
  GENERAL_NAMES* all = general_names.get();
  RETURN_IF_ERROR(AddTexts(all, GEN_DNS, "DNS name", names.dns, &CheckDns));
  RETURN_IF_ERROR(AddTexts(all, GEN_EMAIL, "email address", names.email, &CheckEmail));
  RETURN_IF_ERROR(AddTexts(all, GEN_URI, "URI", names.uri, &CheckUri));
  RETURN_IF_ERROR(AddIpAddresses(all, names.ip));
  ExtensionPtr extension(X509V3_EXT_i2d(NID_subject_alt_name, critical ? 1 : 0, all));
  if (extension == nullptr) return OpensslError("cannot encode the alternative names");
  return extension;
}

}  // namespace keyward
