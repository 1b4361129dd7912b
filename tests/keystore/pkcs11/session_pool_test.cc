#include "keystore/pkcs11/session_pool.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
#include "common/error.h"
#include "keystore/pkcs11/ck_error.h"
#include "tests/keystore/pkcs11/token_fixture.h"

namespace keyward::pkcs11 {
namespace {

absl::Time Past() { return absl::Now() - absl::Seconds(1); }

class SessionPoolTest : public TokenTest {};

TEST_F(SessionPoolTest, HandsOutAsManySessionsAsItHas) {
  auto pool = OpenPool({.size = 2});
  EXPECT_EQ(pool->size(), 2U);
  auto first = pool->Take(Soon());
  auto second = pool->Take(Soon());
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->session().handle(), second->session().handle());
  const auto third = pool->Take(absl::Now() + absl::Milliseconds(20));
  EXPECT_TRUE(absl::IsDeadlineExceeded(third.status()));
  EXPECT_EQ(ReasonOf(third.status()), "DEADLINE_PASSED");
}

TEST_F(SessionPoolTest, AFreeSessionIsTakenEvenAtTheDeadline) {
  auto pool = OpenPool({.size = 1});
  EXPECT_TRUE(pool->Take(Past()).ok());
}

TEST_F(SessionPoolTest, AWaiterGetsTheSessionThatComesBack) {
  auto pool = OpenPool({.size = 1});
  std::optional<SessionLease> lease = *pool->Take(Soon());
  absl::Notification started;
  std::thread waiter([&] {
    started.Notify();
    EXPECT_TRUE(pool->Take(Soon()).ok());
  });
  started.WaitForNotification();
  lease.reset();
  waiter.join();
}

TEST_F(SessionPoolTest, OneAdministratorAtATimeBesideTheSigners) {
  auto pool = OpenPool({.size = 1});
  auto administrator = pool->TakeForAdministration(Soon());
  ASSERT_TRUE(administrator.ok());
  EXPECT_TRUE(pool->Take(Soon()).ok());
  EXPECT_TRUE(absl::IsDeadlineExceeded(pool->TakeForAdministration(Past()).status()));
}

TEST_F(SessionPoolTest, ReadyWhileAllSessionsAreBusyButComeBack) {
  auto pool = OpenPool({.size = 1});
  EXPECT_TRUE(pool->CheckReady(Soon()).ok());
  auto stuck = pool->Take(Soon());
  EXPECT_FALSE(pool->CheckReady(absl::Now() + absl::Milliseconds(20)).ok());
}

TEST_F(SessionPoolTest, KnowsOnlyKeysItWasToldOf) {
  auto pool = OpenPool();
  const std::string key_id = MakeKey(*pool);
  EXPECT_TRUE(pool->Take(Soon())->FindKey(key_id).ok());
  EXPECT_TRUE(absl::IsNotFound(pool->Take(Soon())->FindKey("other").status()));
  pool->RemoveKey(key_id);
  EXPECT_TRUE(absl::IsNotFound(pool->Take(Soon())->FindKey(key_id).status()));
}

TEST_F(SessionPoolTest, LooksKeysUpAtStartAndSaysWhichAreMissingOrRefused) {
  std::string good;
  TokenKeyPair pair;
  std::string twice = "the id of two keys";
  std::string exposed = "the id of an extractable key";
  {
    auto pool = OpenPool();
    good = MakeKey(*pool, &pair);
    auto lease = pool->TakeForAdministration(Soon());
    MakeOddKey(lease->session(), twice, {});
    MakeOddKey(lease->session(), twice, {});
    MakeOddKey(lease->session(), exposed, {.extractable = CK_TRUE});
  }
  auto pool = OpenPool();
  ASSERT_TRUE(
      pool->SetKeys({{good, pair.modulus}, {twice, ""}, {exposed, ""}, {"gone", ""}}, Soon()).ok());
  auto lease = pool->Take(Soon());
  EXPECT_TRUE(lease->FindKey(good).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(lease->FindKey(twice).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(lease->FindKey(exposed).status()));
  EXPECT_TRUE(absl::IsNotFound(lease->FindKey("gone").status()));
}

TEST_F(SessionPoolTest, ASingleKeyIsCheckedToo) {
  auto pool = OpenPool();
  {
    auto lease = pool->TakeForAdministration(Soon());
    MakeOddKey(lease->session(), "id", {.extractable = CK_TRUE});
  }
  ASSERT_TRUE(pool->SetKeys({{"id", ""}}, Soon()).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(pool->Take(Soon())->FindKey("id").status()));
}

TEST_F(SessionPoolTest, AnotherKeyInTheKeysPlaceIsRefused) {
  auto pool = OpenPool();
  TokenKeyPair pair;
  const std::string key_id = MakeKey(*pool, &pair);
  ASSERT_TRUE(pool->SetKeys({{key_id, pair.modulus}}, Soon()).ok());
  EXPECT_TRUE(pool->Take(Soon())->FindKey(key_id).ok());
  {
    auto lease = pool->TakeForAdministration(Soon());
    ASSERT_TRUE(DestroyKeyPair(lease->session(), key_id).ok());
    MakeOddKey(lease->session(), key_id, {});
  }
  ASSERT_TRUE(pool->SetKeys({{key_id, pair.modulus}}, Soon()).ok());
  const absl::Status refused = pool->Take(Soon())->FindKey(key_id).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
}

class SessionLimitTest : public FaultyTokenTest {};

TEST_F(SessionLimitTest, MakesDoWithTheSessionsThatTheTokenAllows) {
  SetFaults("C_OpenSession 0xb1 3\n");  // one that holds the login, two that sign
  auto pool = OpenPool({.size = 8}, module());
  EXPECT_EQ(pool->size(), 2U);
}

TEST_F(SessionLimitTest, NoneAtAllIsAnError) {
  SetFaults("C_OpenSession 0xb1 1\n");
  auto token = Token::New(OptionsFor(module()));
  ASSERT_TRUE(token.ok()) << token.status();
  const auto pool = SessionPool::New(*std::move(token), {});
  EXPECT_EQ(CkRvOf(pool.status()), CKR_SESSION_COUNT);
}

TEST_F(SessionPoolTest, StatsCountWhatIsTakenForSigning) {
  auto pool = OpenPool({.size = 3});
  EXPECT_EQ(pool->stats().sessions, 3U);
  EXPECT_EQ(pool->stats().in_use, 0U);
  {
    const auto first = pool->Take(Soon());
    const auto second = pool->Take(Soon());
    const auto administrator = pool->TakeForAdministration(Soon());
    EXPECT_EQ(pool->stats().in_use, 2U) << "the administrator's is not for signing";
  }
  EXPECT_EQ(pool->stats().in_use, 0U);
  EXPECT_EQ(pool->stats().recoveries, 0U);
  EXPECT_EQ(pool->stats().failed_recoveries, 0U);
}

}  // namespace
}  // namespace keyward::pkcs11
