// The TCP sockets on which a server listens.
#ifndef KEYWARD_COMMON_SERVER_LISTENING_SOCKETS_H_
#define KEYWARD_COMMON_SERVER_LISTENING_SOCKETS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/unique_fd.h"

namespace keyward::server {

struct ListeningSockets {
  // One for each address that the host has; they do not block.
  std::vector<UniqueFd> sockets;
  // The same for all.
  int port = 0;
};

// Listens on `address`, which is as WrongWithListen() wants it. No other process can listen on
// the same port. "[::]:PORT" is for IPv4 too. An address of the host that this machine does not
// have, such as ::1 of localhost where there is no IPv6, is passed over while there is another.
//
// Errors: UNAVAILABLE, without a reason, which says why.
absl::StatusOr<ListeningSockets> ListenOn(const std::string& address);

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_LISTENING_SOCKETS_H_
