#include "client/exchange/login_log.h"

#include <spdlog/spdlog.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "client/exchange/signer_errors.h"
#include "common/error.h"
#include "common/utf8.h"

namespace keyward::exchange {

absl::StatusOr<client::LoginResult> LoginLog::Run(const client::LoginRequest& request,
                                                  absl::Time deadline, client::LoginTimes* times) {
  absl::StatusOr<client::LoginResult> result = login_->Run(request, deadline, times);
  const std::string who =
      absl::StrCat(request.connection->name(), " as ", Printable(request.subject), ", for ",
                   Printable(request.on_behalf_of));
  if (result.ok()) {
    spdlog::info("logged in to {}: audience {}, signer {}, network {}", who,
                 Printable(result->audience), absl::FormatDuration(times->signer),
                 absl::FormatDuration(times->network));
  } else {
    spdlog::warn("no login to {}: {}: {}", who, ReasonOf(result.status()).value_or("INTERNAL"),
                 Printable(result.status().message()));
    return ForCallers(result.status());
  }
  return result;
}

}  // namespace keyward::exchange
