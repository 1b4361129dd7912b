// A real salesforce-standin for a test.
#ifndef KEYWARD_TESTS_STANDIN_TESTING_STANDIN_PROCESS_H_
#define KEYWARD_TESTS_STANDIN_TESTING_STANDIN_PROCESS_H_

#include <httplib.h>

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

 private:
  StandinProcess() = default;

  TempDir dir_;
  std::unique_ptr<Daemon> daemon_;
  int port_ = 0;
  int admin_port_ = 0;
};

// Path of the binary.
std::string StandinBinary();

// Posts `assertion` as the JWT bearer flow does.
httplib::Result PostAssertion(httplib::SSLClient& client, const std::string& assertion);

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_STANDIN_TESTING_STANDIN_PROCESS_H_
