// The PKCS#11 modules that the acceptance suite runs against.
#ifndef KEYWARD_TESTS_KEYSTORE_MODULES_TEST_MODULE_H_
#define KEYWARD_TESTS_KEYSTORE_MODULES_TEST_MODULE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/secret.h"
#include "keystore/pkcs11/token.h"

namespace keyward::pkcs11 {

// A module with a token that the tests may use, and whatever serves it. The
// token lives as long as this does.
class TestModule {
 public:
  virtual ~TestModule() = default;

  virtual std::string path() const = 0;
  virtual std::string token_uri() const = 0;
  virtual absl::StatusOr<Secret> ReadPin() const = 0;

  // A PIN that is not the user's; FAILED_PRECONDITION, with the reason, for a
  // token whose count of wrong PINs is not ours to use.
  virtual absl::StatusOr<Secret> WrongPin() const { return Secret("wrong-pin"); }

  // What takes the token away from under a loaded module, as the process that
  // serves it might go, and brings it back. Both do nothing where
  // `can_go_away()` is false. Where `works_alone()`, what is gone is needed only
  // when the module is initialised.
  virtual bool can_go_away() const { return true; }
  virtual bool works_alone() const { return false; }
  virtual void TakeAway() {}
  virtual void BringBack() {}
};

// What Token::New() takes for it; INVALID_ARGUMENT for a token_uri() that does not
// parse. `module` must outlive the token.
absl::StatusOr<TokenOptions> OptionsFor(const TestModule& module);

// SoftHSM2 in this process, its token in a directory of the test's own.
absl::StatusOr<std::unique_ptr<TestModule>> StartSoftHsm();

// The same token, served by `p11-kit server` in a process of its own and reached
// through p11-kit-client.so.
absl::StatusOr<std::unique_ptr<TestModule>> StartP11Kit();

// openCryptoki's software token with its daemon, pkcsslotd. UNAVAILABLE, with the
// reason, where the daemon cannot run.
absl::StatusOr<std::unique_ptr<TestModule>> StartOpenCryptoki();

// A module and token of the environment's choice; docs/tokens.md has the
// variables. UNAVAILABLE where they are not set. The token is never initialised
// here, and nobody takes it away.
absl::StatusOr<std::unique_ptr<TestModule>> UseOwnModule();

}  // namespace keyward::pkcs11

#endif  // KEYWARD_TESTS_KEYSTORE_MODULES_TEST_MODULE_H_
