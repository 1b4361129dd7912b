// A client with a valid certificate and bad intentions: the signer stays up, its memory
// and its audit log stay small, others are served, and nothing is signed for it. What it
// costs others in time is measured by scripts/bench hostile.
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/raw_calls.h"
#include "tests/e2e/signer_fixture.h"
#include "tests/testing/hostile_connections.h"
#include "tests/testing/hostile_flood.h"

namespace keyward::e2e {
namespace {

constexpr int kHostileCalls = 100000;
constexpr int64_t kMebibyte = 1 << 20;

class HostileClientTest : public SignerTest {
 protected:
  // `settings` is added to signer.yaml.
  explicit HostileClientTest(const std::string& settings = "") {
    signer_.Write("signer.yaml", absl::StrCat(signer_.DefaultConfig(), settings));
    Start();
    CreateConnection();
    // The first calls make caches, threads and the allocator's arenas.
    Warm();
  }

  // "VmRSS", in bytes.
  int64_t Memory() const { return 1024 * NumberIn("status", "VmRSS:"); }

  int Descriptors() const {
    const std::filesystem::directory_iterator fds(absl::StrCat(Proc(), "fd"));
    return static_cast<int>(std::distance(begin(fds), end(fds)));
  }

  // As the backend of the PKI, which may sign for acme and view it.
  std::shared_ptr<grpc::Channel> HostileChannel() const {
    return Connect(signer_, signer_.File("pki/backend.pem"), signer_.File("pki/backend.key"));
  }

  std::vector<std::shared_ptr<grpc::Channel>> HostileChannels(int count) const {
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    for (int i = 0; i < count; ++i) channels.push_back(HostileChannel());
    return channels;
  }

  std::map<int, int> FloodWithTricks(int calls) const {
    return testing::Flood({.channels = HostileChannels(4),
                           .calls = calls,
                           .in_flight = 200,
                           .make = [claims = GoodClaims()](uint64_t number) {
                             return testing::MakeHostileCall(number, "acme", claims);
                           }});
  }

  // What the hostile client was given, by the audit log.
  int64_t SignedForHostile() const {
    int64_t count = 0;
    for (const nlohmann::json& record : Audit()) {
      if (record.value("method", "") == "Sign" && record.value("outcome", "") == "done" &&
          absl::EndsWith(record.value("identity", ""), "/backend")) {
        ++count;
      }
    }
    return count;
  }

  int64_t AuditBytes() const {
    int64_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(signer_.dir())) {
      if (absl::StartsWith(file.path().filename().string(), "audit")) {
        bytes += static_cast<int64_t>(file.file_size());
      }
    }
    return bytes;
  }

 private:
  std::string Proc() const { return absl::StrCat("/proc/", signer_.daemon().pid(), "/"); }

  int64_t NumberIn(const std::string& file, const std::string& name) const {
    std::ifstream lines(Proc() + file);
    for (std::string word; lines >> word;) {
      int64_t number = 0;
      if (word == name && lines >> number) return number;
    }
    ADD_FAILURE() << "no " << name;
    return 0;
  }

  void Warm() const {
    FloodWithTricks(5000);
    EXPECT_EQ(CodeAndReason(Sign()), "OK");
  }
};

class LimitedConnectionsTest : public HostileClientTest {
 protected:
  LimitedConnectionsTest()
      : HostileClientTest("limits: {connections: 50, connections_per_address: 50}\n") {}

  const int descriptors_ = Descriptors();
};

TEST_F(HostileClientTest, AHundredThousandRequestsSignNothingAndLeaveTheSignerAsItWas) {
  const int64_t memory = Memory();
  const int64_t audit = AuditBytes();
  std::atomic<bool> flooding = true;
  // Somebody else goes on working.
  std::future<int> others = std::async(std::launch::async, [&] {
    int signed_meanwhile = 0;
    const auto client = Client();
    while (flooding) {
      const absl::Status status = client->Sign("acme", GoodClaims()).status();
      EXPECT_EQ(CodeAndReason(status), "OK");
      ++signed_meanwhile;
    }
    return signed_meanwhile;
  });
  const std::map<int, int> codes = FloodWithTricks(kHostileCalls);
  flooding = false;
  EXPECT_GT(others.get(), 0);

  int answered = 0;
  for (const auto& [code, count] : codes) answered += count;
  EXPECT_EQ(answered, kHostileCalls);
  EXPECT_EQ(codes.count(grpc::StatusCode::OK), 0U);
  EXPECT_EQ(SignedForHostile(), 0);
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
  EXPECT_LT(Memory() - memory, 64 * kMebibyte);
  // Its refusals are counted, not listed: unlisted they would be 30 MB and more.
  EXPECT_LT(AuditBytes() - audit, 8 * kMebibyte);
}

TEST_F(HostileClientTest, BombsOfMetadataHitOnlyTheirOwnConnection) {
  const int64_t memory = Memory();
  const auto client = Client();
  const std::map<int, int> codes = testing::Flood({.channels = HostileChannels(1),
                                                   .calls = 2000,
                                                   .in_flight = 20,
                                                   .make = &testing::MakeMetadataBomb});
  EXPECT_EQ(codes.count(grpc::StatusCode::OK), 0U);
  EXPECT_EQ(CodeAndReason(client->Sign("acme", GoodClaims()).status()), "OK");
  EXPECT_EQ(SignedForHostile(), 0);
  EXPECT_LT(Memory() - memory, 64 * kMebibyte);
}

TEST_F(HostileClientTest, ThousandsOfConnectionsThatSayNothingKeepNobodyOut) {
  const int descriptors = Descriptors();
  const int64_t memory = Memory();
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit raised = {std::min<rlim_t>(limit.rlim_max, 8192), limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &raised), 0);
  {
    testing::HostileConnections connections(signer_.address(), signer_.File("pki/backend.pem"),
                                            signer_.File("pki/backend.key"));
    for (int i = 0; i < 2000; ++i) ASSERT_TRUE(connections.OpenSilent().ok());
    for (int i = 0; i < 500; ++i) {
      const absl::Status opened = connections.OpenIdle();
      ASSERT_TRUE(opened.ok()) << opened << " after " << i;
    }
    EXPECT_EQ(CodeAndReason(Sign()), "OK");
    EXPECT_LT(Memory() - memory, 512 * kMebibyte);
  }
  EXPECT_TRUE(Eventually([&] { return Descriptors() <= descriptors + 20; })) << Descriptors();
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
}

TEST_F(LimitedConnectionsTest, AFloodWithoutACertificateKeepsNobodyElseOut) {
  const auto standing = Client();
  EXPECT_EQ(CodeAndReason(standing->Sign("acme", GoodClaims()).status()), "OK");
  testing::HostileConnections flood(signer_.address(), signer_.File("pki/backend.pem"),
                                    signer_.File("pki/backend.key"), "127.0.0.2");
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(flood.OpenSilent().ok());
    // Who is there stays, and who comes is served.
    if (i % 20 == 0) {
      EXPECT_EQ(CodeAndReason(Sign()), "OK");
    }
  }
  EXPECT_EQ(CodeAndReason(standing->Sign("acme", GoodClaims()).status()), "OK");
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
  // 50 connections, and those that it was about to close.
  EXPECT_LE(Descriptors(), descriptors_ + 50 + 64);
}

TEST_F(LimitedConnectionsTest, AFloodWithACertificateKeepsNobodyElseOut) {
  testing::HostileConnections flood(signer_.address(), signer_.File("pki/backend.pem"),
                                    signer_.File("pki/backend.key"), "127.0.0.2");
  int opened = 0;
  for (int i = 0; i < 200; ++i) opened += flood.OpenIdle().ok() ? 1 : 0;
  EXPECT_GE(opened, 50);
  EXPECT_LT(opened, 200);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(CodeAndReason(Sign()), "OK");
}

TEST_F(LimitedConnectionsTest, DescriptorsThatRunOutAreNoEnd) {
  // As if the rest of the process had taken them.
  rlimit before{};
  const rlim_t few = static_cast<rlim_t>(Descriptors()) + 10;
  ASSERT_EQ(prlimit(signer_.daemon().pid(), RLIMIT_NOFILE, nullptr, &before), 0);
  const rlimit low = {few, before.rlim_max};
  ASSERT_EQ(prlimit(signer_.daemon().pid(), RLIMIT_NOFILE, &low, nullptr), 0);
  {
    testing::HostileConnections flood(signer_.address(), signer_.File("pki/backend.pem"),
                                      signer_.File("pki/backend.key"), "127.0.0.2");
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(flood.OpenSilent().ok());
    EXPECT_TRUE(signer_.daemon().WaitForOutput("no connection can be taken at the moment"));
  }
  EXPECT_TRUE(Eventually([&] { return CodeAndReason(Sign()) == "OK"; }));
}

TEST_F(HostileClientTest, CallsThatNeverEndHoldNoThread) {
  testing::HostileConnections connections(signer_.address(), signer_.File("pki/backend.pem"),
                                          signer_.File("pki/backend.key"));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(connections.OpenSlow(200).ok());
  for (int i = 0; i < 20; ++i) {
    connections.Dribble();
    EXPECT_EQ(CodeAndReason(Sign()), "OK");
    EXPECT_EQ(CodeAndReason(Client()->GetConnection("acme").status()), "OK");
  }
  EXPECT_EQ(connections.size(), 20U);
  EXPECT_EQ(SignedForHostile(), 0);
}

}  // namespace
}  // namespace keyward::e2e
