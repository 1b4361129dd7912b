#include "client/exchange/signer_lookups.h"

#include <spdlog/spdlog.h>

#include "client/exchange/signer_errors.h"
#include "common/error.h"
#include "common/utf8.h"

namespace keyward::exchange {
namespace {

// Whether the signer, asked for a connection, took the question: also that it knows none
// of that name is an answer.
bool Answered(const absl::Status& status) {
  return status.ok() || absl::IsNotFound(status) || absl::IsPermissionDenied(status) ||
         absl::IsInvalidArgument(status);
}

}  // namespace

absl::StatusOr<v1::Connection> SignerLookups::Get(const std::string& connection,
                                                  absl::Time deadline) {
  absl::StatusOr<v1::Connection> found = signer_()->GetConnection(connection, deadline);
  const bool answered = Answered(found.status());
  if (answers_.exchange(answered) != answered) {
    if (answered) {
      spdlog::info("signer: it answers again");
    } else {
      spdlog::error("signer: no answer, and no logins until there is one: {}: {}",
                    ReasonOf(found.status()).value_or("INTERNAL"),
                    Printable(found.status().message()));
    }
  }
  if (absl::IsPermissionDenied(found.status())) {
    spdlog::warn("signer: it does not let us view {}: {}", connection,
                 Printable(found.status().message()));
  }
  if (!found.ok()) return ForCallers(found.status());
  return found;
}

}  // namespace keyward::exchange
