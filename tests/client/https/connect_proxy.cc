#include "tests/client/https/connect_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "common/mutex.h"

namespace keyward::testing {
namespace {

sockaddr_in LocalAddress(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

// Passes on what `from` has; false at its end.
bool Pump(int from, int to) {
  std::array<char, 16384> buffer;
  const ssize_t got = recv(from, buffer.data(), buffer.size(), 0);
  return got > 0 && SendAll(to, {buffer.data(), static_cast<size_t>(got)});
}

}  // namespace

struct ConnectProxy::Impl {
  explicit Impl(int target) : target_port(target) {
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = LocalAddress(0);
    socklen_t size = sizeof(address);
    auto* name = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener, name, size) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, name, &size) != 0 || pipe(stop.data()) != 0) {
      std::abort();
    }
    port = ntohs(address.sin_port);
    acceptor = std::thread([this] { Accept(); });
  }

  ~Impl() {
    close(stop[1]);
    acceptor.join();
    for (std::thread& thread : tunnels) thread.join();
    close(stop[0]);
    close(listener);
  }

  void Accept() {
    while (WaitFor({listener}) == listener) {
      const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      tunnels.emplace_back([this, client] {
        Serve(client);
        close(client);
      });
    }
  }

  // The first of `fds` that can be read, or -1 when all is to end.
  int WaitFor(const std::vector<int>& fds) const {
    std::vector<pollfd> polled = {{stop[0], POLLIN, 0}};
    for (const int fd : fds) polled.push_back({fd, POLLIN, 0});
    if (poll(polled.data(), polled.size(), -1) < 0 || polled[0].revents != 0) return -1;
    for (const pollfd& one : polled) {
      if (one.revents != 0) return one.fd;
    }
    return -1;
  }

  void Serve(int client) {
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      char c = 0;
      if (WaitFor({client}) != client || recv(client, &c, 1, 0) != 1) return;
      head += c;
    }
    std::string refusal;
    {
      const MutexLock lock(&mutex);
      requests.push_back(head);
      refusal = answer;
    }
    if (refusal.empty()) return Tunnel(client);
    SendAll(client, refusal);
  }

  void Tunnel(int client) const {
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = LocalAddress(target_port);
    // Headers that are the proxy's, not the host's.
    if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
        SendAll(client,
                "HTTP/1.1 200 Established\r\nRetry-After: 7\r\n"
                "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n")) {
      int ready = WaitFor({client, server});
      while (ready != -1 && Pump(ready, ready == client ? server : client)) {
        ready = WaitFor({client, server});
      }
    }
    close(server);
  }

  const int target_port;
  int listener = -1;
  int port = 0;
  std::array<int, 2> stop{};
  Mutex mutex;
  std::string answer ABSL_GUARDED_BY(mutex);
  std::vector<std::string> requests ABSL_GUARDED_BY(mutex);
  std::thread acceptor;
  // The acceptor's until that has ended.
  std::vector<std::thread> tunnels;
};

ConnectProxy::ConnectProxy(int port) : impl_(std::make_unique<Impl>(port)) {}

ConnectProxy::~ConnectProxy() = default;

void ConnectProxy::AnswerWith(const std::string& head) {
  const MutexLock lock(&impl_->mutex);
  impl_->answer = head;
}

std::string ConnectProxy::Url(const std::string& credentials) const {
  return "http://" + credentials + "127.0.0.1:" + std::to_string(impl_->port);
}

std::vector<std::string> ConnectProxy::requests() const {
  const MutexLock lock(&impl_->mutex);
  return impl_->requests;
}

}  // namespace keyward::testing
