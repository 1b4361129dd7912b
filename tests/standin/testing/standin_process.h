// A real salesforce-standin for a test.
#ifndef KEYWARD_TESTS_STANDIN_TESTING_STANDIN_PROCESS_H_
#define KEYWARD_TESTS_STANDIN_TESTING_STANDIN_PROCESS_H_

#include <httplib.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/standin/testing/test_key.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/temp_dir.h"

namespace keyward::testing {

// Runs until it is destroyed, on free ports, with a TLS certificate of its own.
class StandinProcess {
 public:
  // Aborts the test when it does not get ready. From then on this process
  // ignores SIGPIPE.
  static std::unique_ptr<StandinProcess> Start(const std::vector<std::string>& more_flags = {},
                                               const Environment& environment = {});

  Daemon& daemon() { return *daemon_; }
  int port() const { return port_; }
  int admin_port() const { return admin_port_; }
  // https://127.0.0.1:port
  std::string origin() const;
  // What a client must trust, a PEM file.
  std::string ca_file() const { return dir_.File("tls.pem"); }

  // A client that verifies ca_file(), with a new connection for each request: a
  // kept one may be closed by the server at any time.
  std::unique_ptr<httplib::SSLClient> Client() const;
  httplib::Client AdminClient() const;

  // Creates an app by the administration's POST /apps; returns its consumer key.
  std::string CreateApp(const nlohmann::json& app) const;
  // Uploads a certificate and returns the status code of the answer.
  int UploadCertificate(const std::string& consumer_key, const std::string& certificate) const;

  // Any call of the administration (docs/standin.md): the answer's body, null when it
  // has none. Aborts the test when it is refused. `body` is left out when it is null.
  nlohmann::json Admin(const std::string& method, const std::string& path,
                       const nlohmann::json& body = nullptr) const;
  // The journal's entries, oldest first; `filter` as in "endpoint=/x&limit=5", escaped.
  nlohmann::json Journal(const std::string& filter = "") const;
  // How many requests to `endpoint` ended so since the journal was cleared: "ok",
  // "fault: reset", "invalid_grant: inactive user", or what stands before its colon;
  // all of them for "".
  int64_t Count(const std::string& endpoint, const std::string& outcome = "") const;
  // Refuses the next `count` token requests (0: all) with the row `word` of GET
  // /refusals; `more` may hold consumer_key, username, status.
  void Refuse(const std::string& word, int count = 1,
              const nlohmann::json& more = nlohmann::json::object()) const;
  // The next `count` requests to `endpoint` ("*" for any) meet a fault (0: all);
  // `more` holds what the kind needs: milliseconds, status, retry_after, …
  void Fault(const std::string& endpoint, const std::string& kind, int count = 1,
             const nlohmann::json& more = nlohmann::json::object()) const;

 private:
  StandinProcess() = default;

  TempDir dir_;
  std::unique_ptr<Daemon> daemon_;
  int port_ = 0;
  int admin_port_ = 0;
};

inline constexpr char kTokenEndpoint[] = "/services/oauth2/token";

// Path of the binary.
std::string StandinBinary();

// Posts `assertion` as the JWT bearer flow does.
httplib::Result PostAssertion(httplib::SSLClient& client, const std::string& assertion);

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_STANDIN_TESTING_STANDIN_PROCESS_H_
