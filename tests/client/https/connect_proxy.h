// An HTTP proxy in the test's process that knows nothing but CONNECT (RFC 9110 section 9.3.6).
#ifndef KEYWARD_TESTS_CLIENT_HTTPS_CONNECT_PROXY_H_
#define KEYWARD_TESTS_CLIENT_HTTPS_CONNECT_PROXY_H_

#include <memory>
#include <string>
#include <vector>

namespace keyward::testing {

class ConnectProxy {
 public:
  // Listens on a free port of 127.0.0.1. Whatever host it is asked for, it connects to `port` of
  // 127.0.0.1.
  explicit ConnectProxy(int port);
  ~ConnectProxy();
  ConnectProxy(const ConnectProxy&) = delete;
  ConnectProxy& operator=(const ConnectProxy&) = delete;

  // From now on answers with this head, "HTTP/1.1 403 Forbidden\r\n\r\n", and closes; empty for
  // going through with it.
  void AnswerWith(const std::string& head);

  // "http://127.0.0.1:PORT", with `credentials` ("user:password@") in it.
  std::string Url(const std::string& credentials = "") const;

  // The heads of the requests so far.
  std::vector<std::string> requests() const;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_CLIENT_HTTPS_CONNECT_PROXY_H_
