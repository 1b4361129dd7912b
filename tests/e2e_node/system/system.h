// A whole Keyward for programs in other languages to try: a token, a PKI, the
// daemons and the stand-in for Salesforce, with one connection that works.
#ifndef KEYWARD_TESTS_E2E_NODE_SYSTEM_SYSTEM_H_
#define KEYWARD_TESTS_E2E_NODE_SYSTEM_SYSTEM_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/standin/testing/standin_process.h"
#include "tests/testing/signer_process.h"
#include "tests/testing/subprocess.h"

namespace keyward::testing {

inline constexpr char kSystemConnection[] = "acme";
inline constexpr char kSystemSubject[] = "integration@acme.example";

// Everything ends with it.
class KeywardSystem {
 public:
  // Starts the daemons and makes kSystemConnection: with a key on the token, its
  // certificate in the stand-in's app and kSystemSubject pre-authorized. The PKI's
  // backend may exchange for every connection; its operator may only administer them.
  // INTERNAL with the daemon's or the command's own words where that fails.
  static absl::StatusOr<std::unique_ptr<KeywardSystem>> Start();

  // What a program needs to know of it; tests/e2e_node/system.mjs names them.
  Environment ForPrograms() const;

 private:
  KeywardSystem() = default;

  absl::Status CreateConnection();
  absl::Status StartExchange();
  absl::StatusOr<std::string> Keyward(const std::vector<std::string>& arguments) const;
  std::string SalesforceOrigin() const;

  SignerProcess signer_;
  std::unique_ptr<StandinProcess> standin_;
  std::unique_ptr<Daemon> exchange_;
  std::string exchange_address_;
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_E2E_NODE_SYSTEM_SYSTEM_H_
