// A listener to test, and clients that do not keep to the protocol.
#ifndef KEYWARD_TESTS_COMMON_SERVER_RAW_HTTP_CLIENT_H_
#define KEYWARD_TESTS_COMMON_SERVER_RAW_HTTP_CLIENT_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/server/http_listener.h"
#include "common/unique_fd.h"

namespace keyward::server {

inline constexpr absl::Duration kForever = absl::Minutes(10);
inline constexpr HttpTimes kNoLimit = {.request = kForever,
                                       .connection = kForever,
                                       .crowded_request = kForever,
                                       .crowded_connection = kForever};
inline constexpr char kGet[] = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";

inline HttpAnswer Echo(const std::string& path) {
  return {.status = 200, .content_type = "text/plain", .body = absl::StrCat("<", path, ">")};
}

inline std::unique_ptr<HttpListener> Listen(HttpListener::Handler handler = &Echo,
                                            const HttpTimes& times = kNoLimit) {
  auto listener = HttpListener::New("127.0.0.1:0", std::move(handler), times);
  EXPECT_TRUE(listener.ok()) << listener.status();
  return *std::move(listener);
}

inline int PortOf(const HttpListener& listener) {
  return std::stoi(listener.address().substr(listener.address().rfind(':') + 1));
}

// A client that does not keep to the protocol.
class RawClient {
 public:
  explicit RawClient(const HttpListener& listener) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(PortOf(listener)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }

  void Send(const std::string& text) const {
    (void)send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  // Whether the server has sent something or closed the connection.
  bool HasNews(absl::Duration patience) const {
    pollfd polled{socket_.get(), POLLIN, 0};
    return poll(&polled, 1, static_cast<int>(absl::ToInt64Milliseconds(patience))) > 0;
  }

  // Until the server closes the connection.
  std::string Receive() const {
    std::string received;
    char buffer[1024];
    for (ssize_t count = 1; count > 0;) {
      count = recv(socket_.get(), buffer, sizeof(buffer), 0);
      if (count > 0) received.append(buffer, static_cast<size_t>(count));
    }
    return received;
  }

 private:
  const UniqueFd socket_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

}  // namespace keyward::server

#endif  // KEYWARD_TESTS_COMMON_SERVER_RAW_HTTP_CLIENT_H_
