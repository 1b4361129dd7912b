// When the audit key vouches for the log.
#include <openssl/rsa.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/openssl.h"
#include "common/rsa_public_key.h"
#include "tests/signer/audit_log_fixture.h"

namespace keyward::signer {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

// An audit key, and how its token fares.
class AuditKey {
 public:
  CheckpointSigner signer() {
    return [this](const std::string& statement,
                  absl::Time /*deadline*/) -> absl::StatusOr<CheckpointSignature> {
      MutexLock lock(&mutex_);
      ++calls_;
      const auto goes_on = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !hangs_; };
      mutex_.Await(goes_on);
      if (away_) return absl::UnavailableError("the token is away");
      return CheckpointSignature{.signature = SignRs256(statement), .kid = "kid", .key_version = 3};
    };
  }

  void SetAway(bool away) {
    MutexLock lock(&mutex_);
    away_ = away;
  }
  void SetHangs(bool hangs) {
    MutexLock lock(&mutex_);
    hangs_ = hangs;
  }
  int calls() const {
    MutexLock lock(&mutex_);
    return calls_;
  }
  const EVP_PKEY& key() const { return *key_; }

 private:
  std::string SignRs256(const std::string& statement) const {
    const EvpMdCtxPtr context(EVP_MD_CTX_new());
    EXPECT_EQ(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()), 1);
    const auto* text = reinterpret_cast<const uint8_t*>(statement.data());
    size_t size = 256;
    std::string signature(size, '\0');
    EXPECT_EQ(EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &size,
                             text, statement.size()),
              1);
    return signature;
  }

  const EvpPkeyPtr key_{EVP_RSA_gen(2048)};
  mutable Mutex mutex_;
  bool away_ ABSL_GUARDED_BY(mutex_) = false;
  bool hangs_ ABSL_GUARDED_BY(mutex_) = false;
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

class AuditCheckpointTest : public AuditLogTest {
 protected:
  AuditCheckpointTest() { options_.checkpoint_interval = absl::Hours(1); }

  std::unique_ptr<AuditLog> OpenWithKey() {
    auto log = Open();
    log->SetCheckpointSigner(key_.signer());
    return log;
  }

  static bool IsVouchedFor(const AuditLog& log, uint64_t sequence) {
    return Eventually([&] { return log.head().vouched.sequence >= sequence; });
  }

  // The records that checkpoints vouch for; fails the test where one does not hold.
  std::vector<uint64_t> Vouched() const {
    std::vector<uint64_t> vouched;
    const std::vector<json> records = Records();
    for (const json& record : records) {
      if (!record.contains("checkpoint")) continue;
      const json& checkpoint = record["checkpoint"];
      const uint64_t sequence = checkpoint["sequence"];
      EXPECT_LT(sequence, record["sequence"]);
      const ChainLink link{sequence, checkpoint["sha256"]};
      EXPECT_EQ(records[sequence]["previous"], link.sha256);
      EXPECT_EQ(checkpoint["kid"], "kid");
      EXPECT_EQ(checkpoint["key_version"], 3);
      std::string signature;
      EXPECT_TRUE(
          absl::WebSafeBase64Unescape(checkpoint["signature"].get<std::string>(), &signature));
      EXPECT_TRUE(VerifyRs256(key_.key(),
                              CheckpointStatement(link, checkpoint["time"].get<std::string>()),
                              signature)
                      .ok());
      vouched.push_back(sequence);
    }
    return vouched;
  }

  AuditKey key_;
};

TEST(CheckpointStatementTest, IsFourLines) {
  EXPECT_EQ(CheckpointStatement({12, "abcd"}, "2026-01-31T12:00:00.123456Z"),
            "keyward audit checkpoint v1\n12\nabcd\n2026-01-31T12:00:00.123456Z\n");
}

TEST_F(AuditCheckpointTest, OneAfterSoManyRecords) {
  options_.checkpoint_records = 10;
  auto log = OpenWithKey();
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(AppendAndWait(*log, RecordOf("acme")).ok());
  ASSERT_TRUE(IsVouchedFor(*log, 10));
  EXPECT_EQ(log->head().vouched.sequence, 10U);
  EXPECT_LT(absl::Now() - log->head().vouched_time, absl::Minutes(1));
  EXPECT_THAT(Vouched(), ElementsAre(10));
}

TEST_F(AuditCheckpointTest, OneAfterSomeTimeAndNoneWhereNothingHappens) {
  options_.checkpoint_interval = absl::Milliseconds(50);
  auto log = OpenWithKey();
  ASSERT_TRUE(IsVouchedFor(*log, 1));
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("acme")).ok());
  ASSERT_TRUE(IsVouchedFor(*log, 3));
  const uint64_t last = log->head().last.sequence;
  absl::SleepFor(absl::Milliseconds(300));
  EXPECT_EQ(log->head().last.sequence, last) << "a checkpoint needs no checkpoint";
  log.reset();
  EXPECT_THAT(Vouched(), ElementsAre(1, 3));
}

TEST_F(AuditCheckpointTest, OneAtTheEndAndTheHeadKnowsItAfterARestart) {
  {
    const auto log = OpenWithKey();
    ASSERT_TRUE(AppendAndWait(*log, RecordOf("acme")).ok());
  }
  EXPECT_THAT(Vouched(), ElementsAre(2));
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "acme", "Checkpoint"));
  {
    const auto log = OpenWithKey();
    EXPECT_EQ(log->head().last.sequence, 3U);
    EXPECT_EQ(log->head().vouched.sequence, 2U);
    EXPECT_EQ(log->head().vouched.sha256, Records()[2]["previous"]);
  }
  EXPECT_EQ(Records().size(), 3U) << "nothing new to vouch for";
}

TEST_F(AuditCheckpointTest, OneAtEveryFilesEnd) {
  options_.rotate_bytes = 2000;
  {
    const auto log = OpenWithKey();
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(AppendAndWait(*log, RecordOf("acme")).ok());
  }
  const std::vector<json> records = Records();
  for (size_t i = 1; i < records.size(); ++i) {
    EXPECT_TRUE(records[i]["method"] != "OpenFile" || records[i - 1].contains("checkpoint")) << i;
  }
  EXPECT_GE(Vouched().size(), 4U);
  EXPECT_EQ(Vouched().back(), records.size() - 1);
}

TEST_F(AuditCheckpointTest, ATokenThatIsAwayIsAskedAgain) {
  options_.checkpoint_records = 1;
  key_.SetAway(true);
  const auto log = OpenWithKey();
  ASSERT_TRUE(Eventually([&] { return key_.calls() >= 1; }));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(AppendAndWait(*log, RecordOf("acme")).ok());
  EXPECT_LE(key_.calls(), 3) << "it is left alone for a while";
  key_.SetAway(false);
  EXPECT_TRUE(IsVouchedFor(*log, 51));
}

TEST_F(AuditCheckpointTest, ATokenThatHangsStopsNothing) {
  options_.checkpoint_records = 1;
  options_.rotate_bytes = 1200;
  key_.SetHangs(true);
  {
    const auto log = OpenWithKey();
    ASSERT_TRUE(Eventually([&] { return key_.calls() == 1; }));
    for (int i = 0; i < 6; ++i) ASSERT_TRUE(AppendAndWait(*log, RecordOf("acme")).ok());
    ASSERT_TRUE(Eventually([&] { return FileNames().size() >= 2; }));
    EXPECT_EQ(log->head().vouched.sequence, 0U);
    key_.SetHangs(false);
  }
  const std::vector<json> records = Records();
  for (const json& record : records) {
    EXPECT_TRUE(record["outcome"] == "done" || record["reason"] == "CHECKPOINT_LEFT_OUT");
  }
  EXPECT_EQ(Vouched().back(), records.size() - 1);
}

TEST_F(AuditCheckpointTest, AnEndWithoutItsCheckpointSaysSo) {
  {
    const auto log = OpenWithKey();
    key_.SetAway(true);
    ASSERT_TRUE(AppendAndWait(*log, RecordOf("acme")).ok());
  }
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "acme", "Checkpoint"));
  const json last = Records().back();
  EXPECT_EQ(last["outcome"], "refused");
  EXPECT_EQ(last["detail"], "the token is away");
  key_.SetAway(false);
  OpenWithKey();
  EXPECT_THAT(Vouched(), ElementsAre(3));
}

}  // namespace
}  // namespace keyward::signer
