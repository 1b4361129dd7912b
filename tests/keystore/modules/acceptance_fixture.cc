#include "tests/keystore/modules/acceptance_fixture.h"

#include <signal.h>

#include <utility>

#include "absl/time/clock.h"
#include "common/rsa_public_key.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/key_generator.h"
#include "keystore/pkcs11/token_signer.h"

namespace keyward::pkcs11 {
namespace {

constexpr SessionPoolOptions kEager = {.reload_interval = absl::ZeroDuration(),
                                       .retry_interval = absl::ZeroDuration()};

}  // namespace

void PrintTo(const ModuleParameter& parameter, std::ostream* out) { *out << parameter.name; }

AcceptanceTest::AcceptanceTest() {
  // As the signer does: a module that talks to a process of its own, like
  // p11-kit-client.so, raises it when that has gone.
  signal(SIGPIPE, SIG_IGN);
}

void AcceptanceTest::SetUp() {
  auto module = GetParam().start();
  if (absl::IsUnavailable(module.status())) GTEST_SKIP() << module.status().message();
  ASSERT_TRUE(module.ok()) << module.status();
  module_ = *std::move(module);
  OpenPool();
}

void AcceptanceTest::TearDown() {
  if (made_.empty()) return;
  pool_.reset();
  ASSERT_NO_FATAL_FAILURE(OpenPool());
  auto lease = pool_->TakeForAdministration(Soon());
  ASSERT_TRUE(lease.ok()) << lease.status();
  for (const std::string& id : made_) {
    const absl::Status destroyed = DestroyKeyPair(lease->session(), id);
    EXPECT_TRUE(destroyed.ok()) << destroyed;
  }
}

absl::Time AcceptanceTest::Soon() { return absl::Now() + absl::Seconds(60); }

void AcceptanceTest::OpenPool() {
  auto options = OptionsFor(*module_);
  ASSERT_TRUE(options.ok()) << options.status();
  auto token = Token::New(*std::move(options));
  ASSERT_TRUE(token.ok()) << token.status();
  auto pool = SessionPool::New(*std::move(token), kEager);
  ASSERT_TRUE(pool.ok()) << pool.status();
  pool_ = *std::move(pool);
}

void AcceptanceTest::MakeKey(Key* key) {
  key->id = *NewKeyId();
  key->label = "keyward/acceptance/1";
  made_.push_back(key->id);
  auto lease = pool_->TakeForAdministration(Soon());
  ASSERT_TRUE(lease.ok()) << lease.status();
  const auto pair = GenerateRsaKeyPair(lease->session(), key->label, key->id, kKeyBits);
  ASSERT_TRUE(pair.ok()) << pair.status();
  pool_->AddKey(*lease, key->id, *pair);
  key->modulus = pair->modulus;
  key->public_key = *MakeRsaPublicKey(pair->modulus, pair->public_exponent);
}

absl::StatusOr<std::string> AcceptanceTest::Sign(const Key& key) {
  absl::StatusOr<SessionLease> lease = pool_->Take(Soon());
  if (!lease.ok()) return lease.status();
  const absl::StatusOr<CK_OBJECT_HANDLE> handle = lease->FindKey(key.id);
  if (!handle.ok()) return handle.status();
  auto signature =
      SignRs256(lease->session(), lease->rs256(), *handle, kMessage, key.modulus.size());
  lease->Report(signature.status());
  return signature;
}

absl::Status AcceptanceTest::SignAndVerify(const Key& key) {
  const absl::StatusOr<std::string> signature = Sign(key);
  if (!signature.ok()) return signature.status();
  return VerifyRs256(*key.public_key, kMessage, *signature);
}

void AcceptanceTest::ExpectRecovery(const Key& key) {
  const absl::Status first = SignAndVerify(key);
  EXPECT_TRUE(first.ok() || IsSessionFatal(first)) << first;
  const absl::Status next = SignAndVerify(key);
  EXPECT_TRUE(next.ok()) << next;
}

INSTANTIATE_TEST_SUITE_P(Modules, AcceptanceTest,
                         ::testing::Values(ModuleParameter{"SoftHsm", &StartSoftHsm},
                                           ModuleParameter{"P11Kit", &StartP11Kit},
                                           ModuleParameter{"OpenCryptoki", &StartOpenCryptoki},
                                           ModuleParameter{"OwnModule", &UseOwnModule}),
                         [](const auto& info) { return info.param.name; });

}  // namespace keyward::pkcs11
