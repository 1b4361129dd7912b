#include "tests/e2e/signer_fixture.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/openssl.h"

namespace keyward::e2e {

using nlohmann::json;

bool Eventually(const std::function<bool()>& condition, absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(10));
  }
  return true;
}

std::string GoodClaims(absl::string_view more) {
  return absl::StrCat(R"({"iss":")", kConsumerKey, R"(","sub":")", kSubject, R"(","aud":")",
                      kAudience, R"(","exp":)", absl::ToUnixSeconds(absl::Now()) + 180, more, "}");
}

namespace {

// What the log writes of itself, which tests of what was decided do not ask for.
bool IsUpkeep(const std::string& method) {
  return method == "OpenFile" || method == "Checkpoint" || method == "Start";
}

}  // namespace

std::vector<json> ParseWholeAudit(const std::string& log) {
  EXPECT_TRUE(log.empty() || log.back() == '\n') << "ends in half a line";
  std::vector<json> records;
  std::string previous(64, '0');
  for (const absl::string_view line : absl::StrSplit(log, '\n', absl::SkipEmpty())) {
    json record = json::parse(line.begin(), line.end(), nullptr, false);
    if (!record.is_object()) {
      ADD_FAILURE() << "no record: " << line;
      continue;
    }
    EXPECT_EQ(record.value("sequence", 0U), records.size() + 1);
    EXPECT_EQ(record.value("previous", ""), previous) << line;
    EXPECT_TRUE(!records.empty() || record.value("method", "") == "OpenFile") << line;
    previous = HexSha256(line);
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<json> ParseAudit(const std::string& log) {
  std::vector<json> records = ParseWholeAudit(log);
  records.erase(
      std::remove_if(records.begin(), records.end(),
                     [](const json& record) { return IsUpkeep(record.value("method", "")); }),
      records.end());
  return records;
}

void SignerTest::Start(const testing::Environment& environment) {
  ASSERT_TRUE(signer_.Start(environment)) << signer_.daemon().Output();
}

void SignerTest::Stop() { EXPECT_EQ(signer_.Stop(), 0) << signer_.daemon().Output(); }

std::unique_ptr<client::SignerClient> SignerTest::Client(const std::string& name) const {
  auto client = client::SignerClient::New(
      {.signers = {signer_.address()},
       .ca_file = signer_.File("pki/ca.pem"),
       .certificate_file = signer_.File(absl::StrCat("pki/", name, ".pem")),
       .private_key_file = signer_.File(absl::StrCat("pki/", name, ".key")),
       .timeout = kPatience,
       .retry = {.max_attempts = 1}});
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

void SignerTest::CreateConnection(const std::string& name) const {
  v1::Connection connection;
  connection.set_name(name);
  connection.set_consumer_key(kConsumerKey);
  connection.add_subjects(kSubject);
  const auto created = Client()->CreateConnection(connection);
  ASSERT_TRUE(created.ok()) << created.status();
}

absl::Status SignerTest::Sign(const std::string& connection) const {
  return Client()->Sign(connection, GoodClaims()).status();
}

std::vector<json> SignerTest::Audit() const {
  return ParseAudit(ReadFile(signer_.File("audit.jsonl"), size_t{64} << 20).value_or(""));
}

std::vector<std::string> SignerTest::SignOutcomes() const {
  std::vector<json> records = Audit();
  // What was counted is written later than what came after it.
  std::stable_sort(records.begin(), records.end(), [](const json& a, const json& b) {
    return a.value("time", "") < b.value("time", "");
  });
  std::vector<std::string> outcomes;
  for (const json& record : records) {
    if (record.value("method", "") != "Sign") continue;
    const bool done = record.value("outcome", "") == "done";
    outcomes.insert(outcomes.end(), record.value("count", 1U),
                    done ? "done" : record.value("reason", ""));
  }
  return outcomes;
}

void SignerTest::ExpectSignOutcomes(std::vector<std::string> expected) const {
  EXPECT_TRUE(Eventually([&] { return SignOutcomes().size() >= expected.size(); }));
  std::vector<std::string> outcomes = SignOutcomes();
  EXPECT_EQ(outcomes.size(), expected.size());
  outcomes.erase(std::remove(outcomes.begin(), outcomes.end(), "VARIOUS"), outcomes.end());
  std::sort(outcomes.begin(), outcomes.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_TRUE(std::includes(expected.begin(), expected.end(), outcomes.begin(), outcomes.end()))
      << ::testing::PrintToString(outcomes);
}

FaultySignerTest::FaultySignerTest() {
  signer_.Write("signer.yaml", testing::Replaced(signer_.DefaultConfig(), testing::kSoftHsmModule,
                                                 KEYWARD_FAULTY_MODULE));
}

void FaultySignerTest::StartWithRoomForTwo() {
  const std::string config =
      testing::Replaced(signer_.DefaultConfig(), testing::kSoftHsmModule, KEYWARD_FAULTY_MODULE);
  signer_.Write("signer.yaml",
                absl::StrCat(testing::Replaced(config, "registry:", "  sessions: 1\nregistry:"),
                             "limits:\n  queue: 1\n"));
  Start(environment());
  CreateConnection();
}

testing::Environment FaultySignerTest::environment() const {
  return {{"KEYWARD_FAULTY_REAL", testing::kSoftHsmModule},
          {"KEYWARD_FAULTY_SCRIPT", signer_.File("faults")},
          {"KEYWARD_FAULTY_CALLS", signer_.File("calls")}};
}

int FaultySignerTest::Calls(absl::string_view call) const {
  const std::string calls = ReadFile(signer_.File("calls")).value_or("");
  const std::vector<absl::string_view> lines = absl::StrSplit(calls, '\n');
  return static_cast<int>(std::count(lines.begin(), lines.end(), call));
}

}  // namespace keyward::e2e
