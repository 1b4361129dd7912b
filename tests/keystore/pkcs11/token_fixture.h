// A real SoftHSM token, logged in, for tests of what lies above it.
#ifndef KEYWARD_TESTS_KEYSTORE_PKCS11_TOKEN_FIXTURE_H_
#define KEYWARD_TESTS_KEYSTORE_PKCS11_TOKEN_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "keystore/pkcs11/key_generator.h"
#include "keystore/pkcs11/session_pool.h"
#include "tests/testing/softhsm.h"

namespace keyward::pkcs11 {

inline constexpr char kTokenLabel[] = "keyward-test";

// Soon, for waits that must not end a slow machine's test.
inline absl::Time Soon() { return absl::Now() + absl::Seconds(60); }

// Options for the fixture's token; `pin_reads`, if given, counts.
TokenOptions OptionsFor(const std::string& module, const std::string& pin = testing::kUserPin,
                        int* pin_reads = nullptr);

// Makes an RSA pair with attributes of the test's choice, as another tool might.
struct OddKey {
  CK_BBOOL sensitive = CK_TRUE;
  CK_BBOOL extractable = CK_FALSE;
  CK_BBOOL sign = CK_TRUE;
  CK_BBOOL decrypt = CK_FALSE;
  CK_ULONG bits = 2048;
};
CK_OBJECT_HANDLE MakeOddKey(const Session& session, absl::string_view key_id, const OddKey& odd);

// Makes an EC pair on `curve`, "P-256" or "P-384", and returns the private key. The public key's
// handle goes to `public_key`, where it is given.
CK_OBJECT_HANDLE MakeEcKey(const Session& session, absl::string_view key_id,
                           absl::string_view curve, CK_OBJECT_HANDLE* public_key = nullptr);

class TokenTest : public ::testing::Test {
 protected:
  TokenTest() { softhsm_.InitToken(kTokenLabel); }

  // Opens a pool on the token; aborts the test where it can't.
  std::unique_ptr<SessionPool> OpenPool(const SessionPoolOptions& options = {},
                                        const std::string& module = testing::kSoftHsmModule);

  // A key that the pool knows; returns its CKA_ID.
  std::string MakeKey(SessionPool& pool, TokenKeyPair* pair = nullptr);

  testing::SoftHsm softhsm_;
};

// The same behind the faulty module.
class FaultyTokenTest : public TokenTest {
 protected:
  FaultyTokenTest();
  ~FaultyTokenTest() override;

  void SetFaults(const std::string& script) const;
  static std::string module() { return KEYWARD_FAULTY_MODULE; }

 private:
  testing::TempDir dir_;
};

}  // namespace keyward::pkcs11

#endif  // KEYWARD_TESTS_KEYSTORE_PKCS11_TOKEN_FIXTURE_H_
