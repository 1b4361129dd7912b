// Reading the token endpoint's answer. Internal to the client library.
#ifndef KEYWARD_CLIENT_TOKEN_RESPONSE_H_
#define KEYWARD_CLIENT_TOKEN_RESPONSE_H_

#include "absl/status/statusor.h"
#include "client/https/https_client.h"
#include "client/token_exchange.h"
#include "common/secret.h"

namespace keyward::client {

// The token of a 200 answer, or the error that any other answer is; those of
// TokenExchange::Exchange(). Should the host have echoed `assertion` in its
// error, it is taken out.
absl::StatusOr<AccessToken> ReadTokenResponse(const HttpsAnswer& answer, const Secret& assertion);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKEN_RESPONSE_H_
