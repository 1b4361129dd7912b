// What the audit log says of the daemon itself, and of refusals however many they are.
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "common/openssl.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kBackend[] = "spiffe://keyward.example/backend";

// For both fixtures below.
class Records {
 public:
  explicit Records(std::string file) : file_(std::move(file)) {}

  std::vector<json> All() const {
    return ParseWholeAudit(ReadFile(file_, size_t{64} << 20).value_or(""));
  }
  std::vector<json> Of(absl::string_view method) const {
    std::vector<json> records;
    for (json& record : All()) {
      if (record.value("method", "") == method) records.push_back(std::move(record));
    }
    return records;
  }
  // Waits for the `count`th of that method, which it returns.
  json Await(absl::string_view method, size_t count = 1) const {
    EXPECT_TRUE(Eventually([&] { return Of(method).size() >= count; })) << method;
    const std::vector<json> records = Of(method);
    return records.size() < count ? json::object() : records[count - 1];
  }

 private:
  const std::string file_;
};

class DaemonRecordsTest : public SignerTest {
 protected:
  void PutPolicy(absl::string_view policy) const { signer_.Write("policy.yaml", policy); }

  const Records records_{signer_.File("audit.jsonl")};
};

TEST_F(DaemonRecordsTest, StartAndStopAreRecordedWithThePolicy) {
  Start();
  Stop();
  Start();
  Stop();
  const std::vector<json> starts = records_.Of("Start");
  ASSERT_THAT(starts, SizeIs(2));
  EXPECT_EQ(starts[0]["policy_sha256"], HexSha256(testing::kDefaultPolicy));
  EXPECT_THAT(starts[0]["detail"].get<std::string>(), HasSubstr("keyward-signer "));
  EXPECT_THAT(starts[1]["detail"].get<std::string>(),
              HasSubstr(absl::StrCat("process ", signer_.daemon().pid())));
  EXPECT_THAT(records_.Of("Stop"), SizeIs(2));
  // After the stop there is only the word for it.
  EXPECT_EQ(records_.All().back()["method"], "Checkpoint");
  EXPECT_EQ(records_.All().end()[-2]["method"], "Stop");
}

TEST_F(DaemonRecordsTest, PoliciesAreRecordedTakenUpOrNot) {
  Start();
  CreateConnection();
  const std::string first = HexSha256(testing::kDefaultPolicy);
  const std::string good = absl::StrCat(testing::kDefaultPolicy, "# changed\n");
  PutPolicy(good);
  json changed = records_.Await("ReloadPolicy");
  EXPECT_EQ(changed["outcome"], "done");
  EXPECT_EQ(changed["policy_sha256"], HexSha256(good));
  EXPECT_THAT(changed.value("detail", ""), HasSubstr(first));

  const std::string bad = "roles: [{name: open, identities: [everybody]}]\n";
  PutPolicy(bad);
  json refused = records_.Await("ReloadPolicy", 2);
  EXPECT_EQ(refused["outcome"], "refused");
  EXPECT_EQ(refused["reason"], "FILE_INVALID");
  EXPECT_EQ(refused["policy_sha256"], HexSha256(bad));
  EXPECT_THAT(refused.value("detail", ""), HasSubstr(HexSha256(good)));
  EXPECT_TRUE(Sign().ok()) << "the one before it is in force";
  EXPECT_EQ(CodeAndReason(Client("backend")->Sign("other", GoodClaims()).status()),
            "PERMISSION_DENIED NOT_ALLOWED");

  ASSERT_EQ(unlink(signer_.File("policy.yaml").c_str()), 0);
  EXPECT_EQ(records_.Await("ReloadPolicy", 3)["outcome"], "refused");
  EXPECT_TRUE(Sign().ok());
  PutPolicy(good);
  EXPECT_EQ(records_.Await("ReloadPolicy", 4)["outcome"], "done");
  Stop();
  EXPECT_THAT(records_.Of("ReloadPolicy"), SizeIs(4)) << "once each";
}

TEST_F(DaemonRecordsTest, TlsFilesAreRecordedTakenUpOrNot) {
  Start();
  const std::string certificate = ReadFile(signer_.File("pki/signer.pem")).value_or("");
  signer_.Write("pki/signer.pem", "no certificate\n");
  json refused = records_.Await("ReloadTlsFiles");
  EXPECT_EQ(refused["outcome"], "refused");
  EXPECT_EQ(refused["reason"], "FILE_INVALID");
  signer_.Write("pki/signer.pem", certificate);
  EXPECT_EQ(records_.Await("ReloadTlsFiles", 2)["outcome"], "done");
  // Another set that is good: the authority twice.
  const std::string ca = ReadFile(signer_.File("pki/ca.pem")).value_or("");
  signer_.Write("pki/ca.pem", ca + ca);
  json changed = records_.Await("ReloadTlsFiles", 3);
  EXPECT_EQ(changed["outcome"], "done");
  EXPECT_THAT(changed.value("detail", ""), HasSubstr("valid until 20"));
  Stop();
  EXPECT_THAT(records_.Of("ReloadTlsFiles"), SizeIs(3)) << "once each";
}

TEST_F(DaemonRecordsTest, ARefusalNamesTheRoleThatDenied) {
  PutPolicy(absl::StrCat(testing::kDefaultPolicy, R"(
  - name: closed
    effect: deny
    identities: ["*"]
    connections: ["prod-*"]
    operations: [sign, destroy]
)"));
  Start();
  CreateConnection("prod-1");
  const std::string etag = Client()->GetConnection("prod-1")->etag();
  EXPECT_EQ(CodeAndReason(Sign("prod-1")), "PERMISSION_DENIED DENIED_BY_ROLE");
  EXPECT_EQ(CodeAndReason(Client()->DeleteConnection("prod-1", etag).status()),
            "PERMISSION_DENIED DENIED_BY_ROLE");
  EXPECT_EQ(CodeAndReason(Client("backend")->Sign("other", GoodClaims()).status()),
            "PERMISSION_DENIED NOT_ALLOWED");
  json denied = records_.Await("Sign");
  EXPECT_EQ(denied["reason"], "DENIED_BY_ROLE");
  EXPECT_EQ(denied["role"], "closed");
  EXPECT_EQ(records_.Await("DeleteConnection")["role"], "closed");
  EXPECT_FALSE(records_.Await("Sign", 2).contains("role")) << "no role said anything";
}

TEST_F(DaemonRecordsTest, ManyRefusalsAreFewRecordsThatAddUp) {
  constexpr uint64_t kCalls = 1000;
  Start();
  const auto backend = Client("backend");
  const auto counted = [this](const json& names) {
    uint64_t count = 0;
    uint64_t records = 0;
    for (const json& record : records_.Of("Sign")) {
      const bool is_wanted = names.is_null() || record.value("connection", "") == names;
      if (record.value("identity", "") != kBackend || !is_wanted) continue;
      EXPECT_EQ(record["outcome"], "refused");
      ++records;
      count += record.value("count", 1U);
    }
    return std::pair(count, records);
  };
  // The seconds that it may have taken, of which each begins another record.
  const auto seconds = [](absl::Time start) {
    return static_cast<uint64_t>((absl::Now() - start) / absl::Seconds(1)) + 2;
  };

  absl::Time start = absl::Now();
  for (uint64_t i = 0; i < kCalls; ++i) {
    ASSERT_EQ(CodeAndReason(backend->Sign("other", GoodClaims()).status()),
              "PERMISSION_DENIED NOT_ALLOWED");
  }
  EXPECT_TRUE(Eventually([&] { return counted("other").first >= kCalls; }));
  EXPECT_EQ(counted("other").first, kCalls);
  EXPECT_LE(counted("other").second, 2 * seconds(start));

  // A name of its own each time.
  start = absl::Now();
  for (uint64_t i = 0; i < kCalls; ++i) {
    ASSERT_EQ(CodeAndReason(backend->Sign(absl::StrCat("n-", i), GoodClaims()).status()),
              "PERMISSION_DENIED NOT_ALLOWED");
  }
  EXPECT_TRUE(Eventually([&] { return counted(nullptr).first >= 2 * kCalls; }));
  EXPECT_EQ(counted(nullptr).first, 2 * kCalls);
  EXPECT_LE(counted(nullptr).second - counted("other").second, 21 * seconds(start));
}

class TokenRecordsTest : public FaultySignerTest {
 protected:
  // `name` deleted by a token that keeps its key.
  void LeaveAKeyBehind(const std::string& name) {
    CreateConnection(name);
    SetFaults("C_DestroyObject 0x54\n");
    EXPECT_FALSE(Client()->DeleteConnection(name, Client()->GetConnection(name)->etag()).ok());
  }

  const Records records_{signer_.File("audit.jsonl")};
};

TEST_F(TokenRecordsTest, ATokenThatIsBackIsRecorded) {
  Start(environment());
  CreateConnection();
  EXPECT_THAT(records_.Of("RecoverToken"), SizeIs(0));
  SetFaults("C_Sign 0x30\n");
  EXPECT_FALSE(Sign().ok());
  SetFaults("");
  EXPECT_TRUE(Eventually([&] { return Sign().ok(); })) << signer_.daemon().Output();
  json recovered = records_.Await("RecoverToken");
  EXPECT_EQ(recovered["outcome"], "done");
  EXPECT_THAT(recovered.value("detail", ""), HasSubstr("since the start: "));
}

TEST_F(TokenRecordsTest, WhatWasLeftAndIsFinishedLaterIsRecorded) {
  Start(environment());
  LeaveAKeyBehind("doomed");
  EXPECT_EQ(records_.Await("DeleteConnection")["outcome"], "refused");
  json failed = records_.Await("FinishInterrupted");
  EXPECT_EQ(failed["outcome"], "refused");
  // At the next start as well.
  Stop();
  Start(environment());
  EXPECT_EQ(records_.Await("FinishInterrupted", 2)["outcome"], "refused");
  Stop();
  SetFaults("");
  const size_t before = records_.Of("FinishInterrupted").size();
  Start(environment());
  json finished = records_.Await("FinishInterrupted", before + 1);
  EXPECT_EQ(finished["outcome"], "done");
  Stop();
  Start(environment());
  Stop();
  EXPECT_THAT(records_.Of("FinishInterrupted"), SizeIs(before + 1)) << "there was nothing left";
}

}  // namespace
}  // namespace keyward::e2e
