// Claims for a connection as the signer has it.
#ifndef KEYWARD_CLIENT_CLI_ASSERTION_CLAIMS_H_
#define KEYWARD_CLIENT_CLI_ASSERTION_CLAIMS_H_

#include <keyward/v1/connections.pb.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/claims.h"

namespace keyward::client {

struct ClaimsChoice {
  // Empty takes the connection's subject, when it has exactly one.
  std::string subject;
  // Empty takes the connection's first audience.
  std::string audience;
  absl::Duration lifetime = kDefaultAssertionLifetime;
};

// The claims set to be signed. An error says what the connection lacks, or which
// subjects there are to choose from.
absl::StatusOr<std::string> ClaimsFor(const v1::Connection& connection, const ClaimsChoice& choice);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_CLI_ASSERTION_CLAIMS_H_
