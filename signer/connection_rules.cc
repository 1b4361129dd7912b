#include "signer/connection_rules.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/dns_name.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/subject_pattern.h"
#include "common/utf8.h"

namespace keyward::signer {
namespace {

constexpr absl::string_view kProductionUrl = "https://login.salesforce.com";
constexpr absl::string_view kSandboxUrl = "https://test.salesforce.com";
constexpr absl::string_view kScheme = "https://";
constexpr size_t kMaxPortDigits = 5;
constexpr int kMaxPort = 65535;

absl::Status Invalid(absl::string_view reason, absl::string_view sentence) {
  return Error(absl::StatusCode::kInvalidArgument, reason, sentence);
}

absl::Status InvalidLoginUrl(absl::string_view sentence) {
  return Invalid("LOGIN_URL_INVALID", absl::StrCat("login_url: ", sentence));
}

bool IsPrintableWithoutSpaces(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// RFC 3986 section 3.2.2, without percent-encoding. A name whose last label is a
// number would be read as an IPv4 address.
bool IsHost(absl::string_view host) {
  unsigned char address[sizeof(in6_addr)];
  if (absl::ConsumePrefix(&host, "[")) {
    return absl::ConsumeSuffix(&host, "]") &&
           inet_pton(AF_INET6, std::string(host).c_str(), address) == 1;
  }
  if (!CheckDnsName(host).ok()) return false;
  const absl::string_view last_label = host.substr(host.rfind('.') + 1);
  return !std::all_of(last_label.begin(), last_label.end(), absl::ascii_isdigit) ||
         inet_pton(AF_INET, std::string(host).c_str(), address) == 1;
}

bool IsPort(absl::string_view port) {
  int number = 0;
  return !port.empty() && port.size() <= kMaxPortDigits && port.front() != '0' &&
         std::all_of(port.begin(), port.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(port, &number) && number <= kMaxPort;
}

// `url` with scheme and host in lower case, if it is an https origin.
absl::StatusOr<std::string> ParseOrigin(absl::string_view url) {
  std::string lower = absl::AsciiStrToLower(url);
  absl::string_view rest = lower;
  if (!absl::ConsumePrefix(&rest, kScheme)) return InvalidLoginUrl("must begin with https://");
  if (rest.find_first_of("/?#@\\") != absl::string_view::npos) {
    return InvalidLoginUrl(
        "must be https://HOST or https://HOST:PORT alone, without user, path, query or final "
        "slash");
  }
  // The colons inside the brackets of an IPv6 address do not begin a port.
  const size_t colon =
      rest.find(':', rest.find(']') == absl::string_view::npos ? 0 : rest.find(']'));
  if (!IsHost(rest.substr(0, colon))) return InvalidLoginUrl("must name a host");
  if (colon != absl::string_view::npos && !IsPort(rest.substr(colon + 1))) {
    return InvalidLoginUrl("the port must be 1..65535, without leading zeros");
  }
  return lower;
}

absl::StatusOr<std::string> LoginUrlOf(const registry::ConnectionSettings& settings) {
  if (settings.environment == registry::Environment::kCustom) {
    if (settings.login_url.empty()) {
      return InvalidLoginUrl("is required where the environment is custom");
    }
    return ParseOrigin(settings.login_url);
  }
  const absl::string_view fixed =
      settings.environment == registry::Environment::kSandbox ? kSandboxUrl : kProductionUrl;
  if (!settings.login_url.empty() && settings.login_url != fixed) {
    return InvalidLoginUrl(absl::StrCat("leave it out, the environment makes it ", fixed,
                                        "; for another host set custom"));
  }
  return std::string(fixed);
}

absl::Status CheckConsumerKey(absl::string_view key) {
  if (key.size() <= kMaxConsumerKeyBytes && IsPrintableWithoutSpaces(key)) return absl::OkStatus();
  return Invalid("CONSUMER_KEY_INVALID",
                 absl::StrCat("consumer_key: must be at most ", kMaxConsumerKeyBytes,
                              " printable ASCII characters without spaces"));
}

bool IsAudience(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxAudienceBytes && IsPrintableWithoutSpaces(text);
}

struct ListRule {
  absl::string_view field;
  absl::string_view reason;
  size_t max_items;
  bool (*is_valid)(absl::string_view);
  absl::string_view what;
};

constexpr ListRule kAudienceRule = {"audiences", "AUDIENCES_INVALID", kMaxAudiences, &IsAudience,
                                    "must be 1 to 512 printable ASCII characters without spaces"};
constexpr ListRule kSubjectRule = {
    "subjects", "SUBJECTS_INVALID", kMaxSubjects, &IsSubject,
    "must be 1 to 255 bytes of UTF-8 without control characters or outer spaces"};

absl::Status CheckList(const std::vector<std::string>& items, const ListRule& rule) {
  if (items.size() > rule.max_items) {
    return Invalid(rule.reason, absl::StrCat(rule.field, ": must be at most ", rule.max_items,
                                             ", are ", items.size()));
  }
  absl::flat_hash_set<absl::string_view> seen;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!rule.is_valid(items[i])) {
      return Invalid(rule.reason, absl::StrCat(rule.field, "[", i, "]: ", rule.what));
    }
    if (!seen.insert(items[i]).second) {
      return Invalid(rule.reason, absl::StrCat(rule.field, "[", i, "]: is there twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPatterns(const std::vector<std::string>& patterns) {
  constexpr char kReason[] = "SUBJECT_PATTERNS_INVALID";
  if (patterns.size() > kMaxSubjectPatterns) {
    return Invalid(kReason, absl::StrCat("subject_patterns: must be at most ", kMaxSubjectPatterns,
                                         ", are ", patterns.size()));
  }
  absl::flat_hash_set<absl::string_view> seen;
  for (size_t i = 0; i < patterns.size(); ++i) {
    if (const absl::Status checked = CheckSubjectPattern(patterns[i]); !checked.ok()) {
      return Invalid(kReason, absl::StrCat("subject_patterns[", i, "]: ", checked.message()));
    }
    if (!seen.insert(patterns[i]).second) {
      return Invalid(kReason, absl::StrCat("subject_patterns[", i, "]: is there twice"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<registry::ConnectionSettings> CompleteSettings(
    registry::ConnectionSettings settings) {
  RETURN_IF_ERROR(CheckConsumerKey(settings.consumer_key));
  ASSIGN_OR_RETURN(settings.login_url, LoginUrlOf(settings));
  if (settings.audiences.empty()) settings.audiences = {settings.login_url};
  RETURN_IF_ERROR(CheckList(settings.audiences, kAudienceRule));
  RETURN_IF_ERROR(CheckList(settings.subjects, kSubjectRule));
  RETURN_IF_ERROR(CheckPatterns(settings.subject_patterns));
  return settings;
}

absl::Status CheckComment(absl::string_view comment) {
  if (comment.size() <= kMaxCommentBytes && IsValidUtf8(comment) && !HasControlCharacter(comment)) {
    return absl::OkStatus();
  }
  return Invalid("COMMENT_INVALID", absl::StrCat("comment: must be at most ", kMaxCommentBytes,
                                                 " bytes of UTF-8 without control characters"));
}

}  // namespace keyward::signer
