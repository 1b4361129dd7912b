// Giving up what a daemon does not need once it is there.
#ifndef KEYWARD_COMMON_SERVER_PRIVILEGES_H_
#define KEYWARD_COMMON_SERVER_PRIVILEGES_H_

#include <string>

#include "absl/status/status.h"

namespace keyward::server {

// Becomes `user` (a name of the system's users), with its groups, and gives up every
// capability for good (capabilities(7)); checks that there is no way back. Where `user`
// is empty it stays who it is, and as root warns; capabilities are gone all the same, so
// that what root may then open is what the files' modes give it.
//
// Call it while there is one thread, before anything is opened. Errors, without a
// reason; the process is then of no more use:
//   NOT_FOUND            no such user
//   FAILED_PRECONDITION  not started as root, nor as that user
//   INTERNAL             the system did not let go
absl::Status DropPrivileges(const std::string& user);

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_PRIVILEGES_H_
