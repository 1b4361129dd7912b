// The fixture of the acceptance suite: a pool on one module's token, as the signer
// has it.
#ifndef KEYWARD_TESTS_KEYSTORE_MODULES_ACCEPTANCE_FIXTURE_H_
#define KEYWARD_TESTS_KEYSTORE_MODULES_ACCEPTANCE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/openssl.h"
#include "keystore/pkcs11/session_pool.h"
#include "tests/keystore/modules/test_module.h"

namespace keyward::pkcs11 {

struct ModuleParameter {
  const char* name;
  absl::StatusOr<std::unique_ptr<TestModule>> (*start)();
};
// What GoogleTest shows of it.
void PrintTo(const ModuleParameter& parameter, std::ostream* out);

// It touches only keys that it makes, and takes them away again whatever becomes of
// the test.
class AcceptanceTest : public ::testing::TestWithParam<ModuleParameter> {
 protected:
  static constexpr char kMessage[] = "message";
  static constexpr uint32_t kKeyBits = 2048;

  struct Key {
    std::string id;
    std::string label;
    std::string modulus;
    EvpPkeyPtr public_key;
  };

  AcceptanceTest();
  // Skips the test, with the reason, where the module cannot be had.
  void SetUp() override;
  void TearDown() override;

  static absl::Time Soon();

  // (Re)opens pool_.
  void OpenPool();

  // Makes a pair that the pool knows.
  void MakeKey(Key* key);

  // As the signer does: takes a session, signs kMessage, reports what came back.
  absl::StatusOr<std::string> Sign(const Key& key);
  absl::Status SignAndVerify(const Key& key);

  // Expects that the pool signs again; the first call may only meet the fault.
  void ExpectRecovery(const Key& key);

  // In this order, so that the module outlives the pool.
  std::unique_ptr<TestModule> module_;
  std::unique_ptr<SessionPool> pool_;

 private:
  // CKA_IDs of the pairs to take away.
  std::vector<std::string> made_;
};

}  // namespace keyward::pkcs11

#endif  // KEYWARD_TESTS_KEYSTORE_MODULES_ACCEPTANCE_FIXTURE_H_
