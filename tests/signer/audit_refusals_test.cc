// Refusals that are counted.
#include <malloc.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "signer/audit/refusal_counter.h"
#include "tests/signer/audit_log_fixture.h"

namespace keyward::signer {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using Clock = RefusalCounter::Clock;

AuditRecord RefusalAt(int milliseconds_later, const std::string& connection,
                      const std::string& identity = "dns:a") {
  AuditRecord record = RefusalOf(connection, identity);
  record.time += absl::Milliseconds(milliseconds_later);
  record.sub = "differs";
  return record;
}

class RefusalCounterTest : public ::testing::Test {
 protected:
  Clock::time_point At(int later) const { return start_ + milliseconds(later); }
  bool IsWritten(int later, const std::string& connection, const std::string& identity = "dns:a") {
    return counter_.Add(RefusalAt(later, connection, identity), At(later)).has_value();
  }

  const Clock::time_point start_ = Clock::now();
  RefusalCounter counter_;
};

TEST_F(RefusalCounterTest, IdenticalOnesOfASecondAreCounted) {
  EXPECT_FALSE(counter_.next_due());
  const auto first = counter_.Add(RefusalAt(0, "a"), At(0));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->sub, "differs") << "the first is written as it is";
  EXPECT_FALSE(IsWritten(100, "a"));
  EXPECT_FALSE(IsWritten(300, "a"));
  EXPECT_TRUE(IsWritten(400, "b"));
  EXPECT_TRUE(IsWritten(400, "a", "dns:b"));
  EXPECT_EQ(counter_.next_due(), At(1000));
  EXPECT_TRUE(counter_.TakeDue(At(999)).empty());
  const std::vector<AuditRecord> counted = counter_.TakeDue(At(1000));
  ASSERT_EQ(counted.size(), 1U);
  EXPECT_EQ(counted[0].count, 2U);
  EXPECT_EQ(counted[0].identity, "dns:a");
  EXPECT_EQ(counted[0].connection, "a");
  EXPECT_EQ(counted[0].refusal, "NOT_ALLOWED");
  EXPECT_EQ(counted[0].time, RefusalAt(100, "a").time);
  EXPECT_EQ(counted[0].last_time, RefusalAt(300, "a").time);
  EXPECT_EQ(counted[0].sub, "") << "would be said of all of them";
  EXPECT_TRUE(IsWritten(1000, "a")) << "a second later it is news again";
  EXPECT_EQ(counter_.next_due(), At(1400));
}

TEST_F(RefusalCounterTest, WhatDiffersInReasonOrMethodIsNotIdentical) {
  EXPECT_TRUE(IsWritten(0, "a"));
  AuditRecord other = RefusalAt(0, "a");
  other.refusal = "CLAIMS_INVALID";
  EXPECT_TRUE(counter_.Add(other, At(0)));
  other.method = "GetConnection";
  EXPECT_TRUE(counter_.Add(other, At(0)));
}

TEST_F(RefusalCounterTest, OneThatWasCountedOnceHasNoCount) {
  EXPECT_TRUE(IsWritten(0, "a"));
  EXPECT_FALSE(IsWritten(1, "a"));
  const std::vector<AuditRecord> counted = counter_.TakeAll();
  ASSERT_EQ(counted.size(), 1U);
  EXPECT_EQ(counted[0].count, 1U);
  EXPECT_FALSE(counted[0].last_time);
  EXPECT_TRUE(counter_.TakeAll().empty());
  EXPECT_FALSE(counter_.next_due());
}

TEST_F(RefusalCounterTest, BeyondTenKindsOneRecordCountsTheRest) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(IsWritten(i, absl::StrCat("c", i)));
  for (int i = 10; i < 30; ++i) EXPECT_FALSE(IsWritten(i, absl::StrCat("c", i)));
  EXPECT_FALSE(IsWritten(40, "c3"));
  EXPECT_TRUE(IsWritten(40, "c3", "dns:b")) << "another identity is not touched by that";
  const std::vector<AuditRecord> counted = counter_.TakeDue(At(1000));
  ASSERT_EQ(counted.size(), 2U);
  EXPECT_EQ(counted[0].refusal, "VARIOUS");
  EXPECT_EQ(counted[0].method, "Sign");
  EXPECT_EQ(counted[0].connection, "");
  EXPECT_EQ(counted[0].count, 20U);
  EXPECT_EQ(counted[1].connection, "c3");
}

TEST_F(RefusalCounterTest, NoRefusalIsLostAndMemoryIsBounded) {
  const size_t before = mallinfo2().uordblks;
  uint64_t refusals = 0;
  uint64_t written = 0;
  const auto count = [&](const std::vector<AuditRecord>& records) {
    for (const AuditRecord& record : records) written += record.count;
  };
  for (int i = 0; i < 100000; ++i) {
    written +=
        IsWritten(1, absl::StrCat(std::string(60, 'c'), i % 97), absl::StrCat("dns:", i / 2));
    written += IsWritten(1, absl::StrCat(i));
    refusals += 2;
  }
  EXPECT_LT(mallinfo2().uordblks - before, size_t{16} << 20);
  const std::vector<AuditRecord> counted = counter_.TakeDue(At(1001));
  EXPECT_LT(counted.size(), RefusalCounter::kMaxIdentities + RefusalCounter::kMaxKinds);
  count(counted);
  EXPECT_EQ(written, refusals);
  EXPECT_FALSE(counter_.next_due());
}

class AuditRefusalsTest : public AuditLogTest {};

TEST_F(AuditRefusalsTest, TheFirstIsWrittenAtOnceAndTheCountWithoutFurtherEvents) {
  const auto log = Open();
  for (int i = 0; i < 5; ++i) log->AppendRefusal(RefusalOf("acme"));
  ASSERT_TRUE(Eventually([&] { return log->head().last.sequence >= 3; }));
  const std::vector<nlohmann::json> records = Records();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_FALSE(records[1].contains("count"));
  EXPECT_EQ(records[2]["count"], 4);
  EXPECT_EQ(records[2]["outcome"], "refused");
}

TEST_F(AuditRefusalsTest, WhatIsCountedIsWrittenAtTheEnd) {
  {
    const auto log = Open();
    for (int i = 0; i < 100; ++i) log->AppendRefusal(RefusalOf(absl::StrCat("c", i)));
  }
  const std::vector<nlohmann::json> records = Records();
  ASSERT_EQ(records.size(), 12U);
  EXPECT_EQ(records[11]["reason"], "VARIOUS");
  EXPECT_EQ(records[11]["count"], 90);
}

}  // namespace
}  // namespace keyward::signer
