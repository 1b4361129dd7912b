// What Keyward asks of a PKCS#11 module when the PIN is wrong, and when what it had
// is gone: the same of every module.
#include <gtest/gtest.h>

#include <utility>

#include "absl/time/time.h"
#include "keystore/pkcs11/ck_error.h"
#include "tests/keystore/modules/acceptance_fixture.h"

namespace keyward::pkcs11 {
namespace {

// Behind the pool's back.
void CloseAllSessions(SessionPool& pool) {
  auto lease = pool.Take(absl::InfiniteFuture());
  ASSERT_TRUE(lease.ok()) << lease.status();
  const CK_FUNCTION_LIST& functions = lease->session().functions();
  CK_SESSION_INFO info{};
  ASSERT_EQ(functions.C_GetSessionInfo(lease->session().handle(), &info), CKR_OK);
  ASSERT_EQ(functions.C_CloseAllSessions(info.slotID), CKR_OK);
}

TEST_P(AcceptanceTest, AWrongPinIsSaidToBeOneAndTheRightOneStillWorks) {
  absl::StatusOr<Secret> wrong = module_->WrongPin();
  if (!wrong.ok()) GTEST_SKIP() << wrong.status().message();
  pool_.reset();
  auto options = OptionsFor(*module_);
  ASSERT_TRUE(options.ok()) << options.status();
  options->read_pin = [&] { return std::move(wrong); };
  const auto refused = Token::New(*std::move(options));
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
  EXPECT_TRUE(IsPinError(refused.status())) << refused.status();
  OpenPool();
}

TEST_P(AcceptanceTest, RecoversFromSessionsThatAreGone) {
  Key key;
  ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  ASSERT_NO_FATAL_FAILURE(CloseAllSessions(*pool_));
  ExpectRecovery(key);
}

TEST_P(AcceptanceTest, RecoversFromALogout) {
  Key key;
  ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  {
    auto lease = pool_->Take(Soon());
    ASSERT_TRUE(lease.ok()) << lease.status();
    ASSERT_EQ(lease->session().functions().C_Logout(lease->session().handle()), CKR_OK);
  }
  ExpectRecovery(key);
}

TEST_P(AcceptanceTest, RecoversWhenTheTokenWasGoneAndIsBack) {
  if (!module_->can_go_away()) GTEST_SKIP() << "nobody takes this token away";
  Key key;
  ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  module_->TakeAway();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(SignAndVerify(key).ok(), module_->works_alone());
  module_->BringBack();
  ExpectRecovery(key);
  ASSERT_NO_FATAL_FAILURE(CloseAllSessions(*pool_));
  ExpectRecovery(key);
}

}  // namespace
}  // namespace keyward::pkcs11
