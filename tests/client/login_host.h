// An HTTPS server in the test's process that answers as it is told. What
// Salesforce itself would answer is the stand-in's business.
#ifndef KEYWARD_TESTS_CLIENT_LOGIN_HOST_H_
#define KEYWARD_TESTS_CLIENT_LOGIN_HOST_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/client/test_pki.h"

namespace keyward::testing {

struct Reply {
  int status = 200;
  std::string body = {};
  // Where a redirect points to.
  std::string location = {};
  // Announced as Content-Length; the connection ends after `body`, before that.
  size_t announced_bytes = 0;
  // Announce as above, send the body, and then nothing more until the server is
  // destroyed.
  bool hang = false;
  // Announce as above, and send the body's first byte again and again, slowly.
  bool drip = false;
  std::map<std::string, std::string> headers = {};
};

struct Posted {
  std::string method;
  std::string path;
  std::string content_type;
  std::string body;
  std::map<std::string, std::string> form;
  // The names as they were sent; one value each.
  std::map<std::string, std::string> headers;
  // The client's port: one a connection.
  int client_port = 0;
};

enum class KeepAlive { kNo, kYes };

class LoginHost {
 public:
  // Listens on a free port of 127.0.0.1.
  explicit LoginHost(const CertificateFiles& files, KeepAlive keep_alive = KeepAlive::kNo);
  ~LoginHost();
  LoginHost(const LoginHost&) = delete;
  LoginHost& operator=(const LoginHost&) = delete;

  // From now on.
  void AnswerWith(const Reply& reply);
  std::string Url(const std::string& host = "localhost") const;
  int port() const;
  std::vector<Posted> posted() const;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

// A 200 answer that has all that Salesforce sends.
Reply Granted(const std::string& token = "00Dxx!AQ0AQ.token");

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_CLIENT_LOGIN_HOST_H_
