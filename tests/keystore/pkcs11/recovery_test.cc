// What happens after a token fails, through the pool as the signer uses it.
#include "keystore/pkcs11/recovery.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "common/error.h"
#include "common/rsa_public_key.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/token_signer.h"
#include "tests/keystore/pkcs11/token_fixture.h"

namespace keyward::pkcs11 {
namespace {

constexpr SessionPoolOptions kEager = {.reload_interval = absl::ZeroDuration(),
                                       .retry_interval = absl::ZeroDuration()};

// Signs as the signer does: takes a session, signs, reports what came back.
absl::Status SignOnce(SessionPool& pool, const std::string& key_id, const EVP_PKEY& public_key) {
  absl::StatusOr<SessionLease> lease = pool.Take(Soon());
  if (!lease.ok()) return lease.status();
  const absl::StatusOr<CK_OBJECT_HANDLE> key = lease->FindKey(key_id);
  if (!key.ok()) return key.status();
  const auto signature = SignRs256(lease->session(), lease->rs256(), *key, "message", 256);
  lease->Report(signature.status());
  if (!signature.ok()) return signature.status();
  return VerifyRs256(public_key, "message", *signature);
}

class RecoveryTest : public FaultyTokenTest {
 protected:
  void Start(const SessionPoolOptions& options,
             const std::string& module = testing::kSoftHsmModule) {
    pool_ = OpenPool(options, module);
    TokenKeyPair pair;
    key_id_ = MakeKey(*pool_, &pair);
    public_key_ = *MakeRsaPublicKey(pair.modulus, pair.public_exponent);
    ASSERT_TRUE(Sign().ok());
  }

  absl::Status Sign() { return SignOnce(*pool_, key_id_, *public_key_); }

  void CallOnSession(absl::FunctionRef<void(const Session&)> call) {
    auto lease = pool_->Take(Soon());
    ASSERT_TRUE(lease.ok());
    call(lease->session());
  }

  std::unique_ptr<SessionPool> pool_;
  std::string key_id_;
  EvpPkeyPtr public_key_;
};

TEST_F(RecoveryTest, ReopensSessionsThatAreGone) {
  Start(kEager);
  CallOnSession([](const Session& session) {
    CK_SESSION_INFO info{};
    session.functions().C_GetSessionInfo(session.handle(), &info);
    session.functions().C_CloseAllSessions(info.slotID);
  });
  EXPECT_TRUE(IsSessionFatal(Sign())) << "the fault was not there";
  EXPECT_EQ(pool_->stats().recoveries, 0U);
  EXPECT_TRUE(Sign().ok());
  EXPECT_EQ(pool_->stats().recoveries, 1U);
  EXPECT_EQ(pool_->stats().failed_recoveries, 0U);
}

TEST_F(RecoveryTest, LogsInAgain) {
  Start(kEager);
  CallOnSession([](const Session& session) { session.functions().C_Logout(session.handle()); });
  EXPECT_TRUE(IsSessionFatal(Sign())) << "the fault was not there";
  EXPECT_TRUE(Sign().ok());
}

TEST_F(RecoveryTest, LoadsTheModuleAgainWhenTheTokenWasGoneAndIsBack) {
  Start(kEager);
  const std::string away = softhsm_.token_dir() + ".away";
  std::filesystem::rename(softhsm_.token_dir(), away);
  EXPECT_FALSE(Sign().ok());
  const absl::Status while_away = Sign();
  EXPECT_EQ(ReasonOf(while_away), "TOKEN_UNAVAILABLE") << while_away;
  std::filesystem::rename(away, softhsm_.token_dir());
  EXPECT_TRUE(Sign().ok());
}

TEST_F(RecoveryTest, LoadsTheModuleAtMostOnceInTheInterval) {
  Start({.reload_interval = absl::Hours(1), .retry_interval = absl::ZeroDuration()});
  const std::string away = softhsm_.token_dir() + ".away";
  std::filesystem::rename(softhsm_.token_dir(), away);
  EXPECT_FALSE(Sign().ok());
  EXPECT_EQ(ReasonOf(Sign()), "TOKEN_UNAVAILABLE");  // has loaded it once now
  std::filesystem::rename(away, softhsm_.token_dir());
  EXPECT_EQ(ReasonOf(Sign()), "TOKEN_UNAVAILABLE") << "must wait for the next hour";
}

TEST_F(RecoveryTest, AnswersAtOnceBetweenAttempts) {
  Start({.reload_interval = absl::ZeroDuration(), .retry_interval = absl::Hours(1)});
  std::filesystem::rename(softhsm_.token_dir(), softhsm_.token_dir() + ".away");
  EXPECT_FALSE(Sign().ok());
  EXPECT_EQ(ReasonOf(Sign()), "TOKEN_UNAVAILABLE");
  const absl::Status status = Sign();
  EXPECT_EQ(ReasonOf(status), "TOKEN_UNAVAILABLE");
  ASSERT_TRUE(RetryDelayOf(status).has_value());
  EXPECT_GT(*RetryDelayOf(status), absl::Minutes(50));
}

TEST_F(RecoveryTest, ARefusedPinEndsAllAttempts) {
  std::string pin = testing::kUserPin;
  int reads = 0;
  TokenOptions options = OptionsFor(testing::kSoftHsmModule);
  options.read_pin = [&]() -> absl::StatusOr<Secret> {
    ++reads;
    return Secret(std::string(pin));
  };
  pool_ = *SessionPool::New(*Token::New(std::move(options)), kEager);
  TokenKeyPair pair;
  key_id_ = MakeKey(*pool_, &pair);
  public_key_ = *MakeRsaPublicKey(pair.modulus, pair.public_exponent);
  pin = "changed meanwhile";
  CallOnSession([](const Session& session) { session.functions().C_Logout(session.handle()); });
  EXPECT_FALSE(Sign().ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ReasonOf(Sign()), "TOKEN_UNAVAILABLE");
  EXPECT_EQ(reads, 2) << "once at start, once after the logout";
  EXPECT_EQ(pool_->stats().recoveries, 0U);
  EXPECT_EQ(pool_->stats().failed_recoveries, 1U);
}

TEST_F(RecoveryTest, AnErrorOfTheDeviceEndsTheGenerationAndTheNextWorks) {
  SetFaults("");
  Start(kEager, module());
  CK_SESSION_HANDLE before = CK_INVALID_HANDLE;
  CallOnSession([&](const Session& session) { before = session.handle(); });
  SetFaults("C_Sign 0x30\n");
  EXPECT_EQ(CkRvOf(Sign()), CKR_DEVICE_ERROR);
  SetFaults("");
  EXPECT_TRUE(Sign().ok());
  CallOnSession([&](const Session& session) { EXPECT_NE(session.handle(), before); });
}

TEST_F(RecoveryTest, LoadsTheModuleAgainWhenOnlyNewSessionsFail) {
  SetFaults("");
  Start({.reload_interval = absl::Hours(1), .retry_interval = absl::Hours(1)}, module());
  SetFaults("C_OpenSession 0x30\n");
  pool_->Take(Soon())->Distrust();
  EXPECT_EQ(ReasonOf(Sign()), "TOKEN_UNAVAILABLE");
  const absl::Status next = Sign();
  ASSERT_TRUE(RetryDelayOf(next).has_value()) << next;
  EXPECT_GT(*RetryDelayOf(next), absl::Minutes(50)) << "it must not try again at once";
}

TEST_F(RecoveryTest, AnErrorOfOneKeyLeavesTheSessionsAlone) {
  SetFaults("");
  Start(kEager, module());
  CK_SESSION_HANDLE before = CK_INVALID_HANDLE;
  CallOnSession([&](const Session& session) { before = session.handle(); });
  SetFaults("C_Sign 0x68\n");
  EXPECT_EQ(CkRvOf(Sign()), CKR_KEY_FUNCTION_NOT_PERMITTED);
  SetFaults("");
  CallOnSession([&](const Session& session) { EXPECT_EQ(session.handle(), before); });
}

TEST_F(RecoveryTest, AKeyDestroyedBehindOurBackIsNotSearchedForAgainAndAgain) {
  Start(kEager);
  const std::string other = MakeKey(*pool_);
  {
    auto lease = pool_->TakeForAdministration(Soon());
    ASSERT_TRUE(DestroyKeyPair(lease->session(), key_id_).ok());
  }
  EXPECT_TRUE(IsSessionFatal(Sign())) << "the handle is stale";
  EXPECT_TRUE(absl::IsNotFound(Sign()));
  auto lease = pool_->Take(Soon());
  EXPECT_TRUE(lease->FindKey(other).ok()) << "the other key is there all the same";
}

TEST_F(RecoveryTest, WaitsForEveryLeaseBeforeItClosesASession) {
  Start(
      {.size = 2, .reload_interval = absl::ZeroDuration(), .retry_interval = absl::ZeroDuration()});
  std::optional<SessionLease> other = *pool_->Take(Soon());
  {
    auto lease = pool_->Take(Soon());
    lease->Distrust();
  }
  EXPECT_TRUE(absl::IsDeadlineExceeded(pool_->Take(absl::Now()).status()));
  EXPECT_TRUE(other->session().CheckLoggedIn().ok()) << "still alive under its lease";
  other.reset();
  EXPECT_TRUE(Sign().ok());
}

TEST_F(RecoveryTest, ManyThreadsRecoverOnceTogether) {
  SetFaults("");
  Start(
      {.size = 4, .reload_interval = absl::ZeroDuration(), .retry_interval = absl::ZeroDuration()},
      module());
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 20; ++j) {
        if (i == 0) pool_->Take(Soon())->Distrust();
        const absl::Status status = Sign();
        EXPECT_TRUE(status.ok()) << status;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace keyward::pkcs11
