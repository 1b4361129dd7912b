// Plain TCP clients at addresses of the loopback network.
#ifndef KEYWARD_TESTS_COMMON_SERVER_TCP_CLIENTS_H_
#define KEYWARD_TESTS_COMMON_SERVER_TCP_CLIENTS_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "common/unique_fd.h"

namespace keyward::server {

// Connects from `from` ("127.0.0.2") to `port` of 127.0.0.1. Reads from it give up after 30 s.
inline UniqueFd ConnectFrom(const char* from, int port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  EXPECT_EQ(inet_pton(AF_INET, from, &address.sin_addr), 1);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const timeval patience = {.tv_sec = 30, .tv_usec = 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  return fd;
}

// Waits until the other side has closed; false where it has not within 30 s.
inline bool WaitForEnd(const UniqueFd& fd) {
  for (;;) {
    char byte = 0;
    const ssize_t got = recv(fd.get(), &byte, 1, 0);
    if (got == 0) return true;
    if (got < 0) return errno == ECONNRESET;
  }
}

// Whether the other side has closed by now.
inline bool HasEnded(const UniqueFd& fd) {
  char byte = 0;
  const ssize_t got = recv(fd.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  return got == 0 || (got < 0 && errno == ECONNRESET);
}

}  // namespace keyward::server

#endif  // KEYWARD_TESTS_COMMON_SERVER_TCP_CLIENTS_H_
