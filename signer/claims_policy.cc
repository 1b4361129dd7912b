#include "signer/claims_policy.h"

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "signer/claims_parser.h"

namespace keyward::signer {
namespace {

absl::Status Refused(absl::string_view reason, absl::string_view sentence) {
  return Error(absl::StatusCode::kPermissionDenied, reason, sentence);
}

absl::Time TimeOf(uint64_t seconds) { return absl::FromUnixSeconds(static_cast<int64_t>(seconds)); }

absl::Status CheckTimes(const ReadClaims& read, absl::Time now, absl::Duration max_lifetime) {
  const absl::Time exp = TimeOf(read.exp);
  if (exp <= now) {
    return Refused("CLAIMS_EXP_PAST", "set exp to a time in the future, and check the clock");
  }
  if (exp - now > max_lifetime) {
    return Refused("CLAIMS_EXP_TOO_FAR",
                   absl::StrCat("set exp, in seconds since 1970, to at most ",
                                absl::ToInt64Seconds(max_lifetime), " seconds from now"));
  }
  if (read.Has(Claim::kNbf) && TimeOf(read.nbf) > now + kClockSkew) {
    return Refused("CLAIMS_NBF_FUTURE", "set nbf to now or leave it out, and check the clock");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AcceptedClaims> CheckClaims(absl::string_view claims_json,
                                           const registry::ConnectionSettings& settings,
                                           absl::Time now, absl::Duration max_lifetime) {
  if (settings.consumer_key.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, "CONSUMER_KEY_MISSING",
                 "store the app's consumer key in the connection first");
  }
  ReadClaims read;
  RETURN_IF_ERROR(ParseClaims(claims_json, settings, read));
  if (!read.iss_matches) {
    return Refused("CLAIMS_ISS_MISMATCH", "set iss to the connection's consumer key");
  }
  if (read.subject == nullptr) {
    return Refused("CLAIMS_SUB_NOT_ALLOWED",
                   "set sub to one of the connection's subjects, or have it added to them");
  }
  if (read.audience == nullptr) {
    return Refused("CLAIMS_AUD_NOT_ALLOWED",
                   "set aud to one of the connection's audiences, or have it added to them");
  }
  RETURN_IF_ERROR(CheckTimes(read, now, max_lifetime));
  return AcceptedClaims{.exp = TimeOf(read.exp), .sub = *read.subject, .aud = *read.audience};
}

}  // namespace keyward::signer
