#include "tests/e2e_exchange/exchange_system.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/file.h"

namespace keyward::e2e {
namespace {

constexpr char kServing[] = "keyward-exchange: serving on ";

constexpr char kPolicy[] = R"(roles:
  - name: operators
    identities: ["spiffe://keyward.example/operator"]
    connections: ["*"]
    operations: [sign, view, manage-connections, rotate, adopt, activate, disable, destroy, read-audit, exchange]
  - name: backends
    identities: ["spiffe://keyward.example/backend"]
    connections: ["acme"]
    operations: [exchange]
  - name: exchange
    identities: ["spiffe://keyward.example/exchange"]
    connections: ["*"]
    operations: [sign, view]
)";

[[noreturn]] void Die(absl::string_view what) {
  fprintf(stderr, "%s\n", std::string(what).c_str());
  abort();
}

void DieUnless(const testing::Finished& finished) {
  if (finished.exit_code != 0) Die(finished.err);
}

}  // namespace

ExchangeSystem::ExchangeSystem(const std::vector<std::string>& standin_flags)
    : standin_(testing::StandinProcess::Start(standin_flags)) {
  signer_.Write("policy.yaml", kPolicy);
  if (!signer_.Start()) Die(signer_.daemon().Output());
  WriteConfig(DefaultConfig());
  consumer_key_ = AddConnection("acme");
}

std::string ExchangeSystem::DefaultConfig() const {
  return absl::StrCat(R"(listen: 127.0.0.1:0
tls:
  certificate: pki/exchange.pem
  private_key: pki/exchange.key
  client_ca: pki/ca.pem
policy: policy.yaml
signer:
  addresses: [")",
                      signer_.address(), R"("]
  ca: pki/ca.pem
  certificate: pki/exchange.pem
  private_key: pki/exchange.key
https:
  ca: )",
                      standin_->ca_file(), R"(
  private_login_hosts: ["127.0.0.1"]
)");
}

bool ExchangeSystem::Start() {
  daemon_ = testing::Daemon::Start(
      {testing::Binary("keyward-exchange"), "--config", signer_.File("exchange.yaml")});
  if (!daemon_->WaitForOutput(kServing)) return false;
  const std::string output = daemon_->Output();
  const size_t at = output.find(kServing) + sizeof kServing - 1;
  address_ = output.substr(at, output.find('\n', at) - at);
  return true;
}

int ExchangeSystem::Stop() {
  daemon_->Signal(SIGTERM);
  return daemon_->Wait();
}

testing::Finished ExchangeSystem::RunToEnd(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv = {testing::Binary("keyward-exchange"), "--config",
                                   signer_.File("exchange.yaml")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return testing::Run(argv);
}

std::string ExchangeSystem::AddConnection(const std::string& name,
                                          const std::vector<std::string>& users) const {
  std::vector<std::string> create = {
      "connection", "create", name, "--environment", "custom", "--login-url", standin_->origin()};
  for (const std::string& user : users) create.insert(create.end(), {"--subject", user});
  DieUnless(signer_.Keyward(create));
  const testing::Finished certificate = signer_.Keyward({"certificate", "download", name});
  DieUnless(certificate);
  std::string consumer_key =
      standin_->CreateApp({{"name", name}, {"users", users}, {"scopes", {"api", "refresh_token"}}});
  if (standin_->UploadCertificate(consumer_key, certificate.out) != 204) Die("no upload");
  DieUnless(signer_.Keyward({"connection", "update", name, "--consumer-key", consumer_key}));
  return consumer_key;
}

std::unique_ptr<client::ExchangeClient> ExchangeSystem::Client(const std::string& name) const {
  auto client = client::ExchangeClient::New(
      {.exchange = address_,
       .ca_file = signer_.File("pki/ca.pem"),
       .certificate_file = signer_.File(absl::StrCat("pki/", name, ".pem")),
       .private_key_file = signer_.File(absl::StrCat("pki/", name, ".key")),
       .timeout = kPatience,
       .retry = {.max_attempts = 1}});
  if (!client.ok()) Die(client.status().message());
  return *std::move(client);
}

std::shared_ptr<grpc::Channel> ExchangeSystem::Channel(const std::string& name) const {
  const auto read = [&](absl::string_view file) {
    return ReadFile(signer_.File(absl::StrCat("pki/", file))).value_or("");
  };
  return grpc::CreateChannel(address_,
                             grpc::SslCredentials({read("ca.pem"), read(absl::StrCat(name, ".key")),
                                                   read(absl::StrCat(name, ".pem"))}));
}

int ExchangeSystem::Logins() const {
  return static_cast<int>(standin_->Count(testing::kTokenEndpoint, "ok"));
}

int ExchangeSystem::LoginAttempts() const {
  return static_cast<int>(standin_->Count(testing::kTokenEndpoint));
}

}  // namespace keyward::e2e
