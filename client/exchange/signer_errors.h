// What callers are told of the signer's errors that are not about them.
#ifndef KEYWARD_CLIENT_EXCHANGE_SIGNER_ERRORS_H_
#define KEYWARD_CLIENT_EXCHANGE_SIGNER_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace keyward::exchange {

// `status` of a call to the signer or of a login, for callers:
//   SIGNER_UNAVAILABLE, UNAVAILABLE, for whatever went wrong on the way, whose message
//     names internal addresses; DEADLINE_EXCEEDED likewise, without the address
//   SIGNER_REFUSES_EXCHANGE for a refusal of keyward-exchange's own certificate or role,
//     which a caller would take for theirs. It keeps its code here, because that says how
//     long it is remembered; see AsAnswered().
//   QUOTA_EXCEEDED with another sentence where the quota is keyward-exchange's own; the
//     retry delay stays
// All others are as they were: they are about the connection and the request.
absl::Status ForCallers(const absl::Status& status);

// The same, and what callers are not told goes to the log. `connection` was asked for.
absl::Status LoggedForCallers(absl::string_view connection, const absl::Status& status);

// `status` at the edge: SIGNER_REFUSES_EXCHANGE is FAILED_PRECONDITION there.
absl::Status AsAnswered(const absl::Status& status);

}  // namespace keyward::exchange

#endif  // KEYWARD_CLIENT_EXCHANGE_SIGNER_ERRORS_H_
