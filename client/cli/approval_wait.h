// What verbs do whose call may need a second person.
#ifndef KEYWARD_CLIENT_CLI_APPROVAL_WAIT_H_
#define KEYWARD_CLIENT_CLI_APPROVAL_WAIT_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "client/cli/cli.h"

namespace keyward::client {

// Adds --wait.
void AddWait(CLI::App& verb, bool& wait);

// Makes `call`. Where the signer answers that a second person must approve it, says on
// standard error what to do now, and with `wait` waits until that is decided or has
// expired, and makes the call again once it is approved. Returns what the last call
// returned, or APPROVAL_REFUSED, APPROVAL_EXPIRED, APPROVAL_NOT_PENDING.
absl::Status CallWithApproval(SignerClient& signer, bool wait,
                              absl::FunctionRef<absl::Status()> call);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_CLI_APPROVAL_WAIT_H_
