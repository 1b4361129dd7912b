#include "signer/claims_policy.h"

#include <utility>

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

absl::Status CheckExp(absl::Time exp, absl::Time now, const ClaimsLimits& limits) {
  if (exp <= now) {
    return Refused("CLAIMS_EXP_PAST", "set exp to a time in the future, and check the clock");
  }
  if (exp - now > limits.max_lifetime) {
    return Refused("CLAIMS_EXP_TOO_FAR",
                   absl::StrCat("set exp, in seconds since 1970, to at most ",
                                absl::ToInt64Seconds(limits.max_lifetime), " seconds from now"));
  }
  return absl::OkStatus();
}

absl::Status CheckIat(absl::Time iat, absl::Time exp, absl::Time now, const ClaimsLimits& limits) {
  if (iat > now + limits.clock_skew) {
    return Refused("CLAIMS_IAT_FUTURE", "set iat to now or leave it out, and check the clock");
  }
  if (iat < now - limits.max_lifetime - limits.clock_skew) {
    return Refused("CLAIMS_IAT_PAST", "make new claims, with iat set to now, and check the clock");
  }
  if (iat > exp) return Refused("CLAIMS_IAT_AFTER_EXP", "set iat to now or leave it out");
  return absl::OkStatus();
}

absl::Status CheckNbf(absl::Time nbf, absl::Time exp, absl::Time now, const ClaimsLimits& limits) {
  if (nbf > now + limits.clock_skew) {
    return Refused("CLAIMS_NBF_FUTURE", "set nbf to now or leave it out, and check the clock");
  }
  if (nbf >= exp) return Refused("CLAIMS_NBF_AFTER_EXP", "set nbf to a time before exp");
  return absl::OkStatus();
}

absl::Status CheckTimes(const ReadClaims& read, absl::Time now, const ClaimsLimits& limits) {
  const absl::Time exp = TimeOf(read.exp);
  RETURN_IF_ERROR(CheckExp(exp, now, limits));
  if (read.Has(Claim::kIat)) RETURN_IF_ERROR(CheckIat(TimeOf(read.iat), exp, now, limits));
  if (read.Has(Claim::kNbf)) RETURN_IF_ERROR(CheckNbf(TimeOf(read.nbf), exp, now, limits));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AcceptedClaims> CheckClaims(absl::string_view claims_json,
                                           const registry::ConnectionSettings& settings,
                                           absl::Time now, const ClaimsLimits& limits) {
  if (settings.consumer_key.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, "CONSUMER_KEY_MISSING",
                 "store the app's consumer key in the connection first");
  }
  ReadClaims read;
  RETURN_IF_ERROR(ParseClaims(claims_json, settings, read));
  if (!read.iss_matches) {
    return Refused("CLAIMS_ISS_MISMATCH", "set iss to the connection's consumer key");
  }
  if (!read.subject) {
    return Refused(
        "CLAIMS_SUB_NOT_ALLOWED",
        "set sub to a user name that the connection's subjects or subject patterns allow, "
        "or have it added to them");
  }
  if (read.audience == nullptr) {
    return Refused("CLAIMS_AUD_NOT_ALLOWED",
                   "set aud to one of the connection's audiences, or have it added to them");
  }
  RETURN_IF_ERROR(CheckTimes(read, now, limits));
  return AcceptedClaims{
      .exp = TimeOf(read.exp), .sub = *std::move(read.subject), .aud = *read.audience};
}

}  // namespace keyward::signer
