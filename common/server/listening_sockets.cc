#include "common/server/listening_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace keyward::server {
namespace {

struct Release {
  void operator()(addrinfo* found) const { freeaddrinfo(found); }
};

std::string Why(int error) {
  switch (error) {
    case EADDRINUSE:
      return "another process listens there";
    case EADDRNOTAVAIL:
      return "it is no address of this machine";
    default:
      return strerror(error);
  }
}

void SetPort(sockaddr* address, int port) {
  const uint16_t number = htons(static_cast<uint16_t>(port));
  if (address->sa_family == AF_INET) {
    reinterpret_cast<sockaddr_in*>(address)->sin_port = number;
  } else {
    reinterpret_cast<sockaddr_in6*>(address)->sin6_port = number;
  }
}

int PortOf(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  return ntohs(bound.ss_family == AF_INET
                   ? reinterpret_cast<const sockaddr_in*>(&bound)->sin_port
                   : reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port);
}

// Listens on `one`; 0, or errno.
int Listen(int fd, const addrinfo& one) {
  const int on = 1;
  const int off = 0;
  // A port that was used a moment ago is free.
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Connections inherit it: the second part of an answer must not wait for an ACK.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (one.ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  const bool listens = bind(fd, one.ai_addr, one.ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0;
  return listens ? 0 : errno;
}

bool IsOfAnotherMachine(int error) { return error == EADDRNOTAVAIL || error == EAFNOSUPPORT; }

}  // namespace

absl::StatusOr<ListeningSockets> ListenOn(const std::string& address) {
  const auto because = [&](absl::string_view why) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": ", why));
  };
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return because("it must be HOST:PORT");
  std::string host = address.substr(0, colon);
  if (host.front() == '[') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int resolved = getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  if (resolved != 0) return because(gai_strerror(resolved));
  const std::unique_ptr<addrinfo, Release> release(found);

  ListeningSockets listening;
  int error = EADDRNOTAVAIL;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    // Where any port would do, the same for all.
    if (listening.port != 0) SetPort(one->ai_addr, listening.port);
    UniqueFd fd(socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int failed = fd.get() < 0 ? errno : Listen(fd.get(), *one);
    if (failed == 0) {
      listening.port = PortOf(fd.get());
      listening.sockets.push_back(std::move(fd));
    } else if (IsOfAnotherMachine(failed)) {
      error = failed;
    } else {
      return because(Why(failed));
    }
  }
  if (listening.sockets.empty()) return because(Why(error));
  return listening;
}

}  // namespace keyward::server
