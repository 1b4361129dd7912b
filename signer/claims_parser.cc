#include "signer/claims_parser.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/subject_pattern.h"
#include "common/utf8.h"
#include "signer/claims_policy.h"

namespace keyward::signer {
namespace {

struct ClaimRule {
  absl::string_view name;
  bool is_text;
  bool is_required;
  absl::string_view type_reason;
  absl::string_view missing_reason;
};

// In the order of enum Claim.
constexpr std::array<ClaimRule, kClaimCount> kRules = {{
    {"iss", true, true, "CLAIMS_ISS_NOT_STRING", "CLAIMS_ISS_MISSING"},
    {"sub", true, true, "CLAIMS_SUB_NOT_STRING", "CLAIMS_SUB_MISSING"},
    {"aud", true, true, "CLAIMS_AUD_NOT_STRING", "CLAIMS_AUD_MISSING"},
    {"exp", false, true, "CLAIMS_EXP_NOT_INTEGER", "CLAIMS_EXP_MISSING"},
    {"iat", false, false, "CLAIMS_IAT_NOT_INTEGER", ""},
    {"nbf", false, false, "CLAIMS_NBF_NOT_INTEGER", ""},
    {"jti", true, false, "CLAIMS_JTI_NOT_STRING", ""},
}};

absl::Status Malformed(absl::string_view reason, absl::string_view sentence) {
  return Error(absl::StatusCode::kInvalidArgument, reason, sentence);
}

bool IsAllowedSubject(const registry::ConnectionSettings& settings, const std::string& value) {
  return absl::c_linear_search(settings.subjects, value) ||
         absl::c_any_of(settings.subject_patterns, [&](const std::string& pattern) {
           return MatchesSubjectPattern(pattern, value);
         });
}

const std::string* FindEqual(const std::vector<std::string>& allowed, const std::string& value) {
  const auto found = std::find(allowed.begin(), allowed.end(), value);
  return found == allowed.end() ? nullptr : &*found;
}

// nlohmann's SAX callbacks; each returns whether to read on. The first mistake
// ends the reading and stays in status().
class Handler {
 public:
  // Their names and types are nlohmann's.
  // NOLINTBEGIN(readability-identifier-naming)
  using Json = nlohmann::json;

  Handler(const registry::ConnectionSettings& settings, ReadClaims& read)
      : settings_(settings), read_(read) {}

  const absl::Status& status() const { return status_; }

  bool null() { return WrongType(); }
  bool boolean(bool /*value*/) { return WrongType(); }
  // nlohmann calls this for what has a minus sign, "-0" too.
  bool number_integer(Json::number_integer_t /*value*/) { return WrongType(); }
  bool number_float(Json::number_float_t /*value*/, const std::string& /*text*/) {
    return WrongType();
  }
  bool binary(Json::binary_t& /*value*/) { return WrongType(); }

  bool number_unsigned(Json::number_unsigned_t value) {
    if (!InObject()) return false;
    if (rule().is_text || value > uint64_t{std::numeric_limits<int64_t>::max()}) return WrongType();
    if (claim_ == Claim::kExp) read_.exp = value;
    if (claim_ == Claim::kIat) read_.iat = value;
    if (claim_ == Claim::kNbf) read_.nbf = value;
    return true;
  }

  bool string(std::string& value) {
    if (!InObject()) return false;
    if (!rule().is_text) return WrongType();
    if (claim_ == Claim::kIss) read_.iss_matches = value == settings_.consumer_key;
    if (claim_ == Claim::kAud) read_.audience = FindEqual(settings_.audiences, value);
    if (claim_ == Claim::kJti) return CheckJti(value);
    if (claim_ == Claim::kSub && IsAllowedSubject(settings_, value)) {
      read_.subject = std::move(value);
    }
    return true;
  }

  bool start_object(size_t /*elements*/) {
    if (in_object_) return WrongType();
    in_object_ = true;
    return true;
  }
  bool end_object() { return true; }
  bool start_array(size_t /*elements*/) { return WrongType(); }
  bool end_array() { return WrongType(); }

  bool key(std::string& name) {
    const auto* found = std::find_if(kRules.begin(), kRules.end(),
                                     [&](const ClaimRule& rule) { return rule.name == name; });
    if (found == kRules.end()) {
      return Fail("CLAIMS_UNKNOWN_NAME",
                  absl::StrCat("leave out the claim \"", Shown(name),
                               "\": only iss, sub, aud, exp, iat, nbf and jti are signed"));
    }
    const auto index = static_cast<size_t>(found - kRules.begin());
    if (read_.present[index]) {
      return Fail("CLAIMS_DUPLICATE_NAME",
                  absl::StrCat("write the claim ", found->name, " once, not twice"));
    }
    read_.present[index] = true;
    claim_ = static_cast<Claim>(index);
    return true;
  }

  bool parse_error(size_t position, const std::string& /*last_token*/,
                   const nlohmann::detail::exception& error) {
    // 406 is a number that no double holds (1e999): JSON, but not our integer.
    constexpr int kNumberOverflow = 406;
    if (error.id == kNumberOverflow) return WrongType();
    return Fail("CLAIMS_NOT_JSON", absl::StrCat("send the claims as one JSON object (RFC 8259): "
                                                "the text is wrong at byte ",
                                                position));
  }
  // NOLINTEND(readability-identifier-naming)

 private:
  const ClaimRule& rule() const { return kRules[static_cast<size_t>(claim_)]; }

  bool Fail(absl::string_view reason, absl::string_view sentence) {
    status_ = Malformed(reason, sentence);
    return false;
  }

  bool InObject() {
    return in_object_ ||
           Fail("CLAIMS_NOT_OBJECT", "send the claims as a JSON object, {\"iss\": ...}");
  }

  bool CheckJti(const std::string& value) {
    if (value.size() > kMaxJtiBytes) {
      return Fail("CLAIMS_JTI_TOO_LONG",
                  absl::StrCat("make the claim jti at most ", kMaxJtiBytes, " bytes long"));
    }
    // What is printable may stand in logs as it is.
    if (value.empty() || Printable(value) != value) {
      return Fail("CLAIMS_JTI_INVALID",
                  "make the claim jti 1 or more printable characters, or leave it out");
    }
    return true;
  }

  bool WrongType() {
    if (!InObject()) return false;
    return Fail(rule().type_reason,
                rule().is_text ? absl::StrCat("make the claim ", rule().name, " a single string")
                               : absl::StrCat("make the claim ", rule().name,
                                              " a whole number of seconds since 1970, "
                                              "without quotes, sign, fraction or exponent"));
  }

  const registry::ConnectionSettings& settings_;
  ReadClaims& read_;
  absl::Status status_;
  bool in_object_ = false;
  Claim claim_ = Claim::kIss;
};

// What nlohmann's parser lets pass: it skips a byte order mark and takes a NUL
// for the end of the text, whatever follows.
absl::Status CheckBytes(absl::string_view claims_json) {
  if (claims_json.size() > kMaxClaimsBytes) {
    return Malformed("CLAIMS_TOO_LONG",
                     absl::StrCat("send at most ", kMaxClaimsBytes, " bytes of claims"));
  }
  if (absl::StartsWith(claims_json, "\xEF\xBB\xBF")) {
    return Malformed("CLAIMS_NOT_JSON", "send the claims without a byte order mark");
  }
  if (absl::StrContains(claims_json, '\0')) {
    return Malformed("CLAIMS_NOT_JSON", "send the claims without NUL bytes");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseClaims(absl::string_view claims_json,
                         const registry::ConnectionSettings& settings, ReadClaims& read) {
  if (absl::Status status = CheckBytes(claims_json); !status.ok()) return status;
  Handler handler(settings, read);
  if (!nlohmann::json::sax_parse(claims_json.begin(), claims_json.end(), &handler)) {
    if (!IsValidUtf8(claims_json)) {
      return Malformed("CLAIMS_NOT_UTF8", "send the claims in UTF-8");
    }
    return handler.status();
  }
  for (size_t i = 0; i < kClaimCount; ++i) {
    if (kRules[i].is_required && !read.present[i]) {
      return Malformed(kRules[i].missing_reason,
                       absl::StrCat("add the claim ", kRules[i].name, ", it is required"));
    }
  }
  return absl::OkStatus();
}

}  // namespace keyward::signer
