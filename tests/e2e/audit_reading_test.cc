// Reading a running signer's audit log: what the command shows, and who may see what.
#include <signal.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/openssl.h"
#include "tests/e2e/audit_fixture.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kPolicy[] = R"(roles:
  - name: operators
    identities: ["spiffe://keyward.example/operator"]
    connections: ["*"]
    operations: [sign, view, manage-connections, rotate, adopt, activate, disable, destroy, read-audit]
  - name: backends
    identities: ["spiffe://keyward.example/backend"]
    connections: ["acme"]
    operations: [sign, view, read-audit]
  - name: strangers
    identities: ["cn:stranger"]
    connections: ["*"]
    operations: [sign]
)";

// The rows of RFC 4180; a failure of the test where it is none.
std::vector<std::vector<std::string>> ParseCsv(absl::string_view text) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
  while (!text.empty()) {
    std::string field;
    if (absl::ConsumePrefix(&text, "\"")) {
      for (;;) {
        const size_t quote = text.find('"');
        if (quote == absl::string_view::npos) {
          ADD_FAILURE() << "a quote without its end";
          return rows;
        }
        field += std::string(text.substr(0, quote));
        text.remove_prefix(quote + 1);
        if (!absl::ConsumePrefix(&text, "\"")) break;
        field += '"';
      }
    } else {
      field = std::string(text.substr(0, text.find_first_of(",\r")));
      text.remove_prefix(field.size());
    }
    row.push_back(std::move(field));
    if (absl::ConsumePrefix(&text, ",")) continue;
    EXPECT_TRUE(absl::ConsumePrefix(&text, "\r\n")) << text.substr(0, 100);
    rows.push_back(std::exchange(row, {}));
  }
  return rows;
}

class AuditReadingTest : public AuditTest {
 protected:
  AuditReadingTest() {
    EXPECT_EQ(testing::Run({KEYWARD_DEV_PKI, "--client", "stranger", File("pki")}).exit_code, 0);
    signer_.Write("policy.yaml", kPolicy);
    Start();
    CreateConnection("acme");
    CreateConnection("other");
    EXPECT_TRUE(Sign("acme").ok());
    EXPECT_TRUE(Sign("other").ok());
    EXPECT_FALSE(Client("backend")->Sign("other", GoodClaims()).ok());
    EXPECT_TRUE(Eventually([this] { return !Tail({"--reason", "NOT_ALLOWED"}).empty(); }));
  }

  // The records of `keyward audit tail ARGUMENT…`.
  std::vector<json> Tail(std::vector<std::string> arguments,
                         const std::string& client = "operator") const {
    arguments.insert(arguments.begin(), {"audit", "tail", "-o", "json"});
    std::vector<json> records;
    const std::string out = Do(arguments, client);
    for (const absl::string_view line : absl::StrSplit(out, '\n', absl::SkipEmpty())) {
      records.push_back(json::parse(line.begin(), line.end(), nullptr, false));
      EXPECT_TRUE(records.back().is_object()) << line;
    }
    return records;
  }

  static std::set<std::string> Values(const std::vector<json>& records, const char* member) {
    std::set<std::string> values;
    for (const json& record : records) values.insert(record.value(member, ""));
    return values;
  }

  // Of a refused command.
  std::string Error(const std::vector<std::string>& arguments, const std::string& client) const {
    const testing::Finished finished = signer_.Keyward(arguments, client);
    EXPECT_EQ(finished.exit_code, 1) << finished.out;
    EXPECT_THAT(finished.out, IsEmpty());
    return finished.err;
  }
};

TEST_F(AuditReadingTest, TailShowsWhatItsFiltersSay) {
  EXPECT_EQ(Values(Tail({"--connection", "other"}), "connection"),
            std::set<std::string>({"other"}));
  EXPECT_THAT(Tail({"--connection", "other", "--method", "Sign"}), SizeIs(2));
  EXPECT_THAT(Tail({"--connection", "other", "--method", "Sign", "--outcome", "done"}), SizeIs(1));
  const std::vector<json> refused = Tail({"--outcome", "refused"});
  ASSERT_THAT(refused, SizeIs(1));
  EXPECT_EQ(refused[0]["reason"], "NOT_ALLOWED");
  EXPECT_EQ(refused[0]["identity"], "spiffe://keyward.example/backend");
  EXPECT_THAT(Tail({"--identity", "spiffe://keyward.example/backend"}), SizeIs(1));
  EXPECT_THAT(Tail({"--since", "1h"}), Not(IsEmpty()));
  EXPECT_THAT(Tail({"--until", "1h"}), IsEmpty());
  const std::vector<json> last = Tail({"--method", "Sign", "--outcome", "done", "-n", "1"});
  ASSERT_THAT(last, SizeIs(1));
  EXPECT_EQ(last[0]["connection"], "other");
  EXPECT_EQ(signer_.Keyward({"audit", "tail", "--outcome", "maybe"}).exit_code, 2);
  EXPECT_EQ(signer_.Keyward({"audit", "tail", "--since", "yesterday"}).exit_code, 2);
  // The same of the files, without a signer.
  Stop();
  EXPECT_THAT(Tail({"--file", signer_.dir(), "--connection", "other", "--method", "Sign"}),
              SizeIs(2));
}

TEST_F(AuditReadingTest, FollowPrintsWhatComes) {
  const auto follow = Background(
      {"audit", "tail", "--follow", "-o", "json", "--connection", "acme", "--method", "Sign"});
  ASSERT_TRUE(follow->WaitForOutput(R"("method":"Sign")", kPatience)) << follow->Output();
  for (const char* jti : {"first", "second"}) {
    const std::string claims = GoodClaims(absl::StrCat(R"(,"jti":")", jti, R"(")"));
    ASSERT_TRUE(Client()->Sign("other", claims).ok());
    ASSERT_TRUE(Client()->Sign("acme", claims).ok());
    EXPECT_TRUE(follow->WaitForOutput(HexSha256(claims), kPatience)) << follow->Output();
  }
  EXPECT_THAT(follow->Output(), Not(HasSubstr("other")));
  // Over the end of a file as well.
  FillFile();
  const std::string claims = GoodClaims(R"(,"jti":"third")");
  ASSERT_TRUE(Client()->Sign("acme", claims).ok());
  EXPECT_TRUE(follow->WaitForOutput(HexSha256(claims), kPatience)) << follow->Output();
  follow->Signal(SIGTERM);
  follow->Wait();
}

TEST_F(AuditReadingTest, ExportIsCsvThatHasEveryRecord) {
  FillFile();
  const std::string file = File("audit.csv");
  Do({"audit", "export", "--out", file});
  const std::vector<std::vector<std::string>> rows = ParseCsv(ReadAll(file));
  ASSERT_THAT(rows, Not(IsEmpty()));
  const std::vector<std::string>& header = rows.front();
  EXPECT_EQ(header.front(), "sequence");
  EXPECT_EQ(header.back(), "record");
  EXPECT_THAT(rows, Each(SizeIs(header.size())));
  EXPECT_EQ(signer_.Keyward({"audit", "export", "--out", file}).exit_code, 1)
      << "nothing is overwritten";
  // Line for line what the log has, whatever came since.
  std::vector<std::string> lines;
  for (const std::string& path : LogFiles()) {
    for (absl::string_view line : absl::StrSplit(ReadAll(path), '\n', absl::SkipEmpty())) {
      lines.emplace_back(line);
    }
  }
  ASSERT_GE(lines.size(), rows.size() - 1);
  ASSERT_GT(rows.size(), 40U);
  for (size_t i = 1; i < rows.size(); ++i) {
    ASSERT_EQ(rows[i].front(), absl::StrCat(i));
    ASSERT_EQ(rows[i].back(), lines[i - 1]);
  }
  // With a filter, to standard output; by who may see but some.
  const auto mine = ParseCsv(Do({"audit", "export", "--method", "Sign"}, "backend"));
  ASSERT_THAT(mine, SizeIs(2));
  EXPECT_THAT(mine[1], Contains("acme"));
}

TEST_F(AuditReadingTest, EachSeesTheRecordsOfItsConnections) {
  const std::vector<json> mine = Tail({"-n", "500"}, "backend");
  ASSERT_THAT(mine, Not(IsEmpty()));
  EXPECT_EQ(Values(mine, "connection"), std::set<std::string>({"acme"}))
      << "neither its own refusal at the other one nor the signer's start";
  EXPECT_THAT(Tail({"--connection", "other"}, "backend"), IsEmpty());
  EXPECT_THAT(Values(Tail({"-n", "500"}), "method"),
              AllOf(Contains("Start"), Contains("OpenFile"), Contains("Checkpoint")));
  // The chain's end gives nothing away, its key's certificates neither.
  EXPECT_THAT(Do({"audit", "head"}, "backend"), HasSubstr(":"));
  EXPECT_THAT(Do({"audit", "certificate"}, "backend"), HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_THAT(Error({"audit", "rotate-key", "--yes"}, "backend"), HasSubstr("(NOT_ALLOWED)"));

  for (const char* verb : {"tail", "export", "head", "certificate"}) {
    const testing::Finished finished = signer_.Keyward({"audit", verb}, "stranger");
    EXPECT_EQ(finished.exit_code, 1) << verb;
    EXPECT_THAT(finished.err, HasSubstr("(NOT_ALLOWED)")) << verb;
    EXPECT_THAT(finished.out, Not(HasSubstr("acme"))) << verb;
  }
  EXPECT_TRUE(Eventually([&] {
    return Values(Tail({"--identity", "cn:stranger"}), "method").count("ListAuditRecords") == 1;
  })) << "who asked in vain is on record";
}

TEST_F(AuditReadingTest, ReadingIsRecordedOnceAMinuteAndCaller) {
  const absl::Time start = absl::Now();
  for (int i = 0; i < 5; ++i) Tail({}, "backend");
  const std::vector<json> readings =
      Tail({"--identity", "spiffe://keyward.example/backend", "--method", "ListAuditRecords"});
  EXPECT_THAT(readings, Not(IsEmpty()));
  EXPECT_LE(readings.size(), 1 + (absl::Now() - start) / absl::Minutes(1));
}

TEST_F(AuditReadingTest, NoCallCanNameTheAuditKey) {
  constexpr char kInvalid[] = "INVALID_ARGUMENT CONNECTION_NAME_INVALID";
  constexpr char kName[] = ".audit";
  const auto client = Client();
  v1::Connection connection;
  connection.set_name(kName);
  connection.set_consumer_key(kConsumerKey);
  connection.set_etag("1");
  v1::CreateCertificateRequestRequest csr;
  csr.set_connection(kName);
  csr.mutable_subject()->set_common_name("x");
  const std::string der = client->GetCertificate("acme")->der();
  v1::ExplainPolicyRequest explain;
  explain.set_connection(kName);
  explain.set_operation("sign");
  const std::vector<std::pair<const char*, absl::Status>> answers = {
      {"Sign", client->Sign(kName, GoodClaims()).status()},
      {"Create", client->CreateConnection(connection).status()},
      {"Get", client->GetConnection(kName).status()},
      {"Update", client->UpdateConnection(connection, {"consumer_key"}).status()},
      {"PreferAudience", client->PreferAudience(kName, kAudience).status()},
      {"Delete", client->DeleteConnection(kName, "1").status()},
      {"GetCertificate", client->GetCertificate(kName).status()},
      {"Freeze", client->FreezeConnection(kName, "").status()},
      {"Thaw", client->ThawConnection(kName, "").status()},
      {"ListKeyVersions", client->ListKeyVersions(kName).status()},
      {"GetJwks", client->GetJwks(kName).status()},
      {"Inspect", client->InspectKeyVersion(kName).status()},
      {"CertificateRequest", client->CreateCertificateRequest(csr).status()},
      {"Import", client->ImportCertificate(kName, 1, der, {}).status()},
      {"Renew", client->RenewCertificate(kName, std::nullopt, 30).status()},
      {"Adopt", client->AdoptKey(kName, "pkcs11:object=x").status()}};
  for (const auto& [call, status] : answers) EXPECT_EQ(CodeAndReason(status), kInvalid) << call;
  EXPECT_EQ(CodeAndReason(client->ExplainPolicy(explain).status()),
            "INVALID_ARGUMENT REQUEST_INVALID");
  const std::vector<v1::Connection> listed = *client->ListConnections();
  EXPECT_THAT(listed, SizeIs(2));
  for (const v1::Connection& one : listed) EXPECT_NE(one.name(), kName);
  // Nor does the key sign by another name.
  EXPECT_EQ(CodeAndReason(client->AdoptKey("acme", "pkcs11:object=keyward%2F.audit%2F1").status()),
            "NOT_FOUND KEY_NOT_ON_TOKEN");
}

}  // namespace
}  // namespace keyward::e2e
