#include "tests/testing/signer_process.h"

#include <signal.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "common/file.h"

namespace keyward::testing {
namespace {

constexpr char kServing[] = "keyward-signer: serving on ";

[[noreturn]] void Die(absl::string_view what) {
  fprintf(stderr, "%s\n", std::string(what).c_str());
  abort();
}

}  // namespace

const char kDefaultPolicy[] = R"(roles:
  - name: operators
    identities: ["spiffe://keyward.example/operator"]
    connections: ["*"]
    operations: [sign, view, manage-connections, rotate, adopt, activate, disable, destroy, read-audit]
  - name: backends
    identities: ["spiffe://keyward.example/backend"]
    connections: ["acme"]
    operations: [sign, view]
)";

std::string Binary(absl::string_view name) { return absl::StrCat(KEYWARD_BINARY_DIR, "/", name); }

std::string Replaced(std::string text, absl::string_view from, absl::string_view to) {
  const size_t at = text.find(std::string(from));
  if (at == std::string::npos) Die(absl::StrCat("not in the text: ", from));
  return text.replace(at, from.size(), std::string(to));
}

SignerProcess::SignerProcess() {
  softhsm_.InitToken(kSignerToken);
  const Finished pki = Run({absl::StrCat(KEYWARD_SOURCE_DIR, "/scripts/dev-pki"), File("pki")});
  if (pki.exit_code != 0) Die(pki.err);
  Write("policy.yaml", kDefaultPolicy);
  Write("signer.yaml", DefaultConfig());
  if (!WriteFile(File("pin"), absl::StrCat(kUserPin, "\n"), 0600).ok()) Die("pin");
}

SignerProcess::~SignerProcess() = default;

void SignerProcess::Write(absl::string_view name, absl::string_view text) const {
  if (!WriteFile(File(name), text).ok()) Die(absl::StrCat("cannot write ", name));
}

std::string SignerProcess::DefaultConfig() const {
  return absl::StrCat(R"(listen: 127.0.0.1:0
tls:
  certificate: pki/signer.pem
  private_key: pki/signer.key
  client_ca: pki/ca.pem
token:
  module: )",
                      kSoftHsmModule, R"(
  uri: "pkcs11:token=)",
                      kSignerToken, R"("
  pin:
    file: pin
registry:
  sqlite: registry.db
audit:
  file: audit.jsonl
policy: policy.yaml
)");
}

bool SignerProcess::Start(const Environment& environment) {
  daemon_ = Daemon::Start({Binary("keyward-signer"), "--config", File("signer.yaml")}, environment);
  if (!daemon_->WaitForOutput(kServing)) return false;
  const std::string output = daemon_->Output();
  const size_t at = output.find(kServing) + std::string(kServing).size();
  address_ = output.substr(at, output.find('\n', at) - at);
  return true;
}

int SignerProcess::Stop() {
  daemon_->Signal(SIGTERM);
  return daemon_->Wait();
}

Finished SignerProcess::RunToEnd(const std::vector<std::string>& arguments,
                                 const Environment& environment) const {
  std::vector<std::string> argv = {Binary("keyward-signer"), "--config", File("signer.yaml")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return Run(argv, environment);
}

Finished SignerProcess::Keyward(const std::vector<std::string>& arguments,
                                const std::string& client) const {
  std::vector<std::string> argv = {Binary("keyward")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return Run(argv, {{"KEYWARD_CONFIG", ""},
                    {"KEYWARD_SIGNER", address_},
                    {"KEYWARD_CA", File("pki/ca.pem")},
                    {"KEYWARD_CERTIFICATE", File("pki/" + client + ".pem")},
                    {"KEYWARD_PRIVATE_KEY", File("pki/" + client + ".key")},
                    {"KEYWARD_HTTPS_CA", File("pki/ca.pem")},
                    // The stand-in.
                    {"KEYWARD_PRIVATE_LOGIN_HOSTS", "localhost,127.0.0.1"}});
}

}  // namespace keyward::testing
