// kill -9 while signing: what was released is on record.
#include <signal.h>

#include <random>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "tests/e2e/load.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

constexpr int kRounds = 6;
constexpr int kClients = 6;

class KillTest : public SignerTest {
 protected:
  std::vector<std::unique_ptr<client::SignerClient>> Clients() const {
    std::vector<std::unique_ptr<client::SignerClient>> clients;
    for (int i = 0; i < kClients; ++i) clients.push_back(Client());
    return clients;
  }

  void Kill() {
    signer_.daemon().Signal(SIGKILL);
    ASSERT_EQ(signer_.daemon().Wait(), 128 + SIGKILL);
  }
};

TEST_F(KillTest, EveryReleasedSignatureIsOnRecord) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  Start();
  CreateConnection();
  std::vector<std::string> released;
  for (int round = 0; round < kRounds; ++round) {
    if (round > 0) Start();
    Load load(Clients(), absl::StrCat(round));
    const int enough = std::uniform_int_distribution<int>(1, 60)(random);
    ASSERT_TRUE(Eventually([&] { return load.count() >= enough; }));
    Kill();
    load.Stop();
    for (const std::string& digest : load.claims_sha256()) released.push_back(digest);
    EXPECT_THAT(load.errors(), ::testing::ElementsAre(
                                   ::testing::Pair("UNAVAILABLE SIGNER_UNREACHABLE", kClients)));
  }
  Start();
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
  Stop();
  std::set<std::string> recorded;
  for (const nlohmann::json& record : Audit()) {
    if (record["method"] == "Sign" && record["outcome"] == "done") {
      recorded.insert(record["claims_sha256"].get<std::string>());
    }
  }
  for (const std::string& digest : released) EXPECT_TRUE(recorded.contains(digest)) << digest;
  // A call was in flight for each client when its signer was killed, and may be on
  // record without having been received.
  EXPECT_LE(recorded.size(), released.size() + kRounds * kClients + 1);
}

TEST_F(KillTest, ARecordThatWasCutOffIsSetAsideAndTheChainGoesOn) {
  Start();
  CreateConnection();
  ASSERT_EQ(CodeAndReason(Sign()), "OK");
  Kill();
  const size_t before = Audit().size();
  const std::string path = signer_.File("audit.jsonl");
  const std::string log = ReadFile(path).value_or("");
  // As a write that a crash of the machine let through in part.
  ASSERT_TRUE(WriteFile(path, log + log.substr(0, log.find('\n') / 2), 0600).ok());
  Start();
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
  Stop();
  const std::vector<nlohmann::json> after = Audit();
  ASSERT_EQ(after.size(), before + 3);
  EXPECT_EQ(after[before]["method"], "SetAsideTornRecord");
  EXPECT_EQ(after[before + 1]["method"], "Sign");
  EXPECT_EQ(after[before + 2]["method"], "Stop");
}

TEST_F(KillTest, AConnectionThatWasBeingMadeIsThereWholeOrNotAtAll) {
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 4; ++round) {
    Start();
    const std::string name = absl::StrCat("acme-", round);
    std::thread maker([&] { signer_.Keyward({"connection", "create", name}); });
    // At any moment of making a key, which takes a while.
    absl::SleepFor(absl::Milliseconds(std::uniform_int_distribution<int>(20, 400)(random)));
    Kill();
    maker.join();
    Start();
    const auto certificate = Client()->GetCertificate(name);
    EXPECT_TRUE(certificate.ok() || absl::IsNotFound(certificate.status())) << certificate.status();
    if (!certificate.ok()) CreateConnection(name);
    Stop();
  }
  const testing::Finished listed = testing::Run(
      {"pkcs11-tool", "--module", testing::kSoftHsmModule, "--token-label", testing::kSignerToken,
       "--login", "--pin", testing::kUserPin, "--list-objects", "--type", "privkey"});
  int keys = 0;
  for (size_t at = listed.out.find("keyward/acme-"); at != std::string::npos;
       at = listed.out.find("keyward/acme-", at + 1)) {
    ++keys;
  }
  EXPECT_EQ(keys, 4) << listed.out;
}

}  // namespace
}  // namespace keyward::e2e
