#include "tests/standin/testing/standin_process.h"

#include <signal.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"

namespace keyward::testing {
namespace {

[[noreturn]] void Die(const std::string& what) {
  (void)fprintf(stderr, "salesforce-standin for a test: %s\n", what.c_str());
  abort();
}

}  // namespace

std::string StandinBinary() { return KEYWARD_STANDIN_BINARY; }

std::unique_ptr<StandinProcess> StandinProcess::Start(const std::vector<std::string>& more_flags,
                                                      const Environment& environment) {
  // What cpp-httplib's client meets when a server has hung up on it.
  (void)signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<StandinProcess> standin(new StandinProcess());
  const TestKey tls = NewEcKey();
  if (!WriteFile(standin->ca_file(), tls.certificate_pem).ok() ||
      !WriteFile(standin->dir_.File("tls.key"), tls.key_pem, 0600).ok()) {
    Die("writing the TLS certificate");
  }
  std::vector<std::string> argv = {StandinBinary(), "--certificate", standin->ca_file(),
                                   "--private-key", standin->dir_.File("tls.key")};
  argv.insert(argv.end(), more_flags.begin(), more_flags.end());
  standin->daemon_ = Daemon::Start(argv, environment);
  if (!standin->daemon_->WaitForOutput("\n")) Die(standin->daemon_->Output());
  const std::string line = standin->daemon_->Output();
  // NOLINTNEXTLINE(cert-err34-c): the two numbers are checked by their count
  if (sscanf(line.c_str(), "ready port=%d admin-port=%d", &standin->port_, &standin->admin_port_) !=
      2) {
    Die(line);
  }
  return standin;
}

std::string StandinProcess::origin() const { return absl::StrCat("https://127.0.0.1:", port_); }

std::unique_ptr<httplib::SSLClient> StandinProcess::Client() const {
  auto client = std::make_unique<httplib::SSLClient>("127.0.0.1", port_);
  client->set_ca_cert_path(ca_file());
  client->set_tcp_nodelay(true);
  return client;
}

httplib::Client StandinProcess::AdminClient() const {
  return httplib::Client("127.0.0.1", admin_port_);
}

std::string StandinProcess::CreateApp(const nlohmann::json& app) const {
  const httplib::Result result = AdminClient().Post("/apps", app.dump(), "application/json");
  if (!result || result->status != 201) Die("POST /apps failed");
  return nlohmann::json::parse(result->body).at("consumer_key");
}

int StandinProcess::UploadCertificate(const std::string& consumer_key,
                                      const std::string& certificate) const {
  const httplib::Result result = AdminClient().Put("/apps/" + consumer_key + "/certificate",
                                                   certificate, "application/octet-stream");
  return result ? result->status : -1;
}

nlohmann::json StandinProcess::Admin(const std::string& method, const std::string& path,
                                     const nlohmann::json& body) const {
  httplib::Request request;
  request.method = method;
  request.path = path;
  if (!body.is_null()) {
    request.body = body.dump();
    request.set_header("Content-Type", "application/json");
  }
  const httplib::Result result = AdminClient().send(request);
  if (!result) Die(absl::StrCat(method, " ", path, ": ", httplib::to_string(result.error())));
  if (result->status >= 300) Die(absl::StrCat(method, " ", path, ": ", result->body));
  return result->body.empty() ? nlohmann::json(nullptr) : nlohmann::json::parse(result->body);
}

nlohmann::json StandinProcess::Journal(const std::string& filter) const {
  return Admin("GET", filter.empty() ? "/journal" : "/journal?" + filter);
}

int64_t StandinProcess::Count(const std::string& endpoint, const std::string& outcome) const {
  const nlohmann::json summary = Admin("GET", "/journal/summary");
  int64_t count = 0;
  if (!summary.contains(endpoint)) return count;
  for (const auto& [name, number] : summary[endpoint].items()) {
    if (outcome.empty() || name == outcome || absl::StartsWith(name, outcome + ": ")) {
      count += number.get<int64_t>();
    }
  }
  return count;
}

void StandinProcess::Refuse(const std::string& word, int count, const nlohmann::json& more) const {
  nlohmann::json body = more;
  body["word"] = word;
  body["count"] = count;
  Admin("POST", "/refusals", body);
}

void StandinProcess::Fault(const std::string& endpoint, const std::string& kind, int count,
                           const nlohmann::json& more) const {
  nlohmann::json body = more;
  body["endpoint"] = endpoint;
  body["kind"] = kind;
  body["count"] = count;
  Admin("POST", "/faults", body);
}

httplib::Result PostAssertion(httplib::SSLClient& client, const std::string& assertion) {
  return client.Post("/services/oauth2/token",
                     httplib::Params{{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"},
                                     {"assertion", assertion}});
}

}  // namespace keyward::testing
