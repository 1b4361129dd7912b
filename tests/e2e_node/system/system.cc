#include "tests/e2e_node/system/system.h"

#include <sys/stat.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status_macros.h"

namespace keyward::testing {
namespace {

// The command's settings, for the operator of the PKI.
std::string CommandSettings(const SignerProcess& signer, const StandinProcess& standin) {
  return absl::StrCat("signer: ", signer.address(), R"(
ca: pki/ca.pem
certificate: pki/operator.pem
private_key: pki/operator.key
https_ca: )",
                      standin.ca_file(), "\n");
}

constexpr char kExchangeRole[] = R"(  - name: exchange
    identities: ["spiffe://keyward.example/exchange"]
    connections: ["*"]
    operations: [sign, view]
)";

constexpr char kExchangePolicy[] = R"(roles:
  - name: backends
    identities: ["spiffe://keyward.example/backend"]
    connections: ["*"]
    operations: [exchange]
)";

std::string ExchangeSettings(const SignerProcess& signer, const StandinProcess& standin) {
  return absl::StrCat(R"(listen: 127.0.0.1:0
tls:
  certificate: pki/exchange.pem
  private_key: pki/exchange.key
  client_ca: pki/ca.pem
unix_socket:
  path: exchange.socket
  identity: spiffe://keyward.example/backend
policy: exchange_policy.yaml
signer:
  addresses: [")",
                      signer.address(), R"("]
  ca: pki/ca.pem
  certificate: pki/exchange.pem
  private_key: pki/exchange.key
https:
  ca: )",
                      standin.ca_file(), R"(
  private_login_hosts: [localhost]
)");
}

}  // namespace

absl::StatusOr<std::unique_ptr<KeywardSystem>> KeywardSystem::Start() {
  std::unique_ptr<KeywardSystem> system(new KeywardSystem());
  system->standin_ = StandinProcess::Start();
  system->signer_.Write("policy.yaml", absl::StrCat(kDefaultPolicy, kExchangeRole));
  if (!system->signer_.Start()) return absl::InternalError(system->signer_.daemon().Output());
  system->signer_.Write("client.yaml", CommandSettings(system->signer_, *system->standin_));
  RETURN_IF_ERROR(system->CreateConnection());
  RETURN_IF_ERROR(system->StartExchange());
  return system;
}

std::string KeywardSystem::SalesforceOrigin() const {
  return absl::StrCat("https://localhost:", standin_->port());
}

absl::StatusOr<std::string> KeywardSystem::Keyward(
    const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv = {Binary("keyward")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const Finished finished = Run(argv, {{"KEYWARD_CONFIG", signer_.File("client.yaml")}});
  if (finished.exit_code != 0) return absl::InternalError(finished.err);
  return finished.out;
}

absl::Status KeywardSystem::CreateConnection() {
  RETURN_IF_ERROR(Keyward({"connection", "create", kSystemConnection, "--environment", "custom",
                           "--login-url", SalesforceOrigin(), "--subject", kSystemSubject})
                      .status());
  ASSIGN_OR_RETURN(const std::string certificate,
                   Keyward({"certificate", "download", kSystemConnection}));
  const std::string consumer_key = standin_->CreateApp({{"name", kSystemConnection},
                                                        {"users", {kSystemSubject}},
                                                        {"scopes", {"api", "refresh_token"}}});
  if (standin_->UploadCertificate(consumer_key, certificate) != 204) {
    return absl::InternalError("the stand-in does not take the certificate");
  }
  return Keyward({"connection", "update", kSystemConnection, "--consumer-key", consumer_key})
      .status();
}

absl::Status KeywardSystem::StartExchange() {
  constexpr char kServing[] = "keyward-exchange: serving on ";
  signer_.Write("exchange_policy.yaml", kExchangePolicy);
  signer_.Write("exchange.yaml", ExchangeSettings(signer_, *standin_));
  exchange_ =
      Daemon::Start({Binary("keyward-exchange"), "--config", signer_.File("exchange.yaml")});
  const bool serves = exchange_->WaitForOutput(kServing);
  const std::string output = exchange_->Output();
  if (!serves) return absl::InternalError(output);
  const std::string address = output.substr(output.find(kServing) + sizeof(kServing) - 1);
  exchange_address_ = address.substr(0, address.find('\n'));
  return absl::OkStatus();
}

Environment KeywardSystem::ForPrograms() const {
  const char* path = getenv("PATH");
  // Programs that keep files of their own keep them here.
  (void)mkdir(signer_.File("home").c_str(), 0700);
  return {{"PATH", absl::StrCat(KEYWARD_BINARY_DIR, ":", path == nullptr ? "" : path)},
          {"HOME", signer_.File("home")},
          {"TMPDIR", signer_.File("home")},
          {"KEYWARD_CONFIG", signer_.File("client.yaml")},
          {"SYSTEM_EXCHANGE", exchange_address_},
          {"SYSTEM_EXCHANGE_SOCKET", signer_.File("exchange.socket")},
          {"SYSTEM_PKI", signer_.File("pki")},
          {"SYSTEM_PROTO", absl::StrCat(KEYWARD_SOURCE_DIR, "/proto")},
          {"SYSTEM_SALESFORCE", SalesforceOrigin()},
          {"SYSTEM_SALESFORCE_CA", standin_->ca_file()},
          {"SYSTEM_SALESFORCE_ADMIN", absl::StrCat("http://127.0.0.1:", standin_->admin_port())},
          // Node's fetch and its https trust it beside the usual ones.
          {"NODE_EXTRA_CA_CERTS", standin_->ca_file()}};
}

}  // namespace keyward::testing
