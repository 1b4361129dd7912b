// A server that lets clients connect and then says nothing.
#ifndef KEYWARD_TESTS_CLIENT_SILENT_SERVER_H_
#define KEYWARD_TESTS_CLIENT_SILENT_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>

#include "common/unique_fd.h"

namespace keyward::testing {

class SilentServer {
 public:
  // Listens on a free port of 127.0.0.1; the kernel takes the connections.
  SilentServer() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof(address);
    if (bind(socket_.get(), generic, size) != 0 || listen(socket_.get(), 16) != 0 ||
        getsockname(socket_.get(), generic, &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
  }

  int port() const { return port_; }

 private:
  const UniqueFd socket_;
  int port_ = 0;
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_CLIENT_SILENT_SERVER_H_
