// lifecycle_crasher REGISTRY create|add|delete STEP: does it to the connection "acme"
// on the fixture's token, and dies by SIGKILL right after STEP.
#include <signal.h>

#include <cstdio>
#include <memory>
#include <string>

#include "keystore/lifecycle/key_lifecycle.h"
#include "tests/keystore/lifecycle/keystore_parts.h"
#include "tests/keystore/pkcs11/token_fixture.h"

namespace keyward {
namespace {

int Main(const std::string& path, const std::string& action, const std::string& step) {
  const KeystoreParts parts(
      path, *pkcs11::SessionPool::New(
                *pkcs11::Token::New(pkcs11::OptionsFor(testing::kSoftHsmModule)), {}));
  KeyLifecycle lifecycle(parts.keystore, {.on_step = [&](absl::string_view done) {
                           if (done == step) raise(SIGKILL);
                         }});
  absl::Status status;
  if (action == "create") {
    status = lifecycle.CreateConnection("acme", {}, pkcs11::Soon()).status();
  } else if (action == "add") {
    status = lifecycle.AddVersion("acme", pkcs11::Soon()).status();
  } else {
    const auto connection = parts.registry->GetConnection("acme");
    status = connection.ok()
                 ? lifecycle.DeleteConnection("acme", connection->etag, pkcs11::Soon()).status()
                 : connection.status();
  }
  fprintf(stderr, "not killed: %s\n", status.ToString().c_str());
  return 1;
}

}  // namespace
}  // namespace keyward

int main(int argc, char** argv) { return argc == 4 ? keyward::Main(argv[1], argv[2], argv[3]) : 2; }
