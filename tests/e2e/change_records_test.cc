// Every call that changes something leaves a record of what was before and after.
#include "absl/strings/str_cat.h"
#include "tests/e2e/certificates_fixture.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;
using ::testing::SizeIs;

class ChangeRecordsTest : public CertificatesTest {
 protected:
  // The one record of that method; a failure of the test where there are more or none.
  json RecordOf(const std::string& method) const {
    std::vector<json> records;
    for (const json& record : Audit()) {
      if (record.value("method", "") == method) records.push_back(record);
    }
    EXPECT_THAT(records, SizeIs(1)) << method;
    if (records.size() != 1) return json::object();
    EXPECT_EQ(records[0]["outcome"], "done");
    EXPECT_EQ(records[0]["identity"], "spiffe://keyward.example/operator");
    EXPECT_EQ(records[0]["role"], "operators");
    return records[0];
  }
};

TEST_F(ChangeRecordsTest, OfConnections) {
  EXPECT_EQ(RecordOf("CreateConnection")["after"]["consumer_key"], kConsumerKey);
  EXPECT_FALSE(RecordOf("CreateConnection").contains("before"));
  Do({"connection", "update", "acme", "--consumer-key", "new"});
  EXPECT_EQ(RecordOf("UpdateConnection")["before"], (json{{"consumer_key", kConsumerKey}}));
  EXPECT_EQ(RecordOf("UpdateConnection")["after"], (json{{"consumer_key", "new"}}));
  Do({"connection", "freeze", "acme", "--comment", "stolen"});
  EXPECT_EQ(RecordOf("FreezeConnection")["before"], (json{{"frozen", false}}));
  EXPECT_EQ(RecordOf("FreezeConnection")["after"], (json{{"frozen", true}}));
  Do({"connection", "thaw", "acme"});
  EXPECT_EQ(RecordOf("ThawConnection")["before"], (json{{"frozen", true}}));
  EXPECT_EQ(RecordOf("ThawConnection")["after"], (json{{"frozen", false}}));
  ASSERT_TRUE(Client()->SetEmergencyFreeze(true, "all of it").ok());
  json emergency = RecordOf("SetEmergencyFreeze");
  EXPECT_EQ(emergency["connection"], "*");
  EXPECT_EQ(emergency["comment"], "all of it");
  EXPECT_NE(emergency["before"], emergency["after"]);
  ASSERT_TRUE(Client()->SetEmergencyFreeze(false, "").ok());

  v1::Connection connection = *Client()->GetConnection("acme");
  connection.add_audiences("https://test.salesforce.com");
  ASSERT_TRUE(Client()->UpdateConnection(connection, {"audiences"}).ok());
  ASSERT_TRUE(Client()->PreferAudience("acme", "https://test.salesforce.com").ok());
  json preferred = RecordOf("PreferAudience");
  EXPECT_EQ(preferred["aud"], "https://test.salesforce.com");
  EXPECT_EQ(preferred["before"]["audiences"][0], kAudience);
  EXPECT_EQ(preferred["after"]["audiences"][0], "https://test.salesforce.com");

  Do({"connection", "delete", "acme", "--yes"});
  EXPECT_EQ(RecordOf("DeleteConnection")["before"]["consumer_key"], "new");
  EXPECT_FALSE(RecordOf("DeleteConnection").contains("after"));
}

TEST_F(ChangeRecordsTest, OfKeysAndTheirCertificates) {
  const std::string self_signed = Fingerprint();
  Do({"certificate", "renew", "acme", "--days", "30"});
  json renewed = RecordOf("RenewCertificate");
  EXPECT_EQ(renewed["before"]["certificate_sha256"], self_signed);
  EXPECT_EQ(renewed["after"]["certificate_sha256"], Fingerprint());
  EXPECT_EQ(renewed["key_version"], 1);

  MakeCa();
  Do({"key", "csr", "acme", "--version", "1", "--out", File("acme.csr")});
  EXPECT_EQ(RecordOf("CreateCertificateRequest")["key_version"], 1);
  Issue("acme.csr", "acme.pem");
  const std::string former = Fingerprint();
  Do({"key", "import-certificate", "acme", File("acme.pem"), "--version", "1", "--chain",
      File("ca.pem")});
  json imported = RecordOf("ImportCertificate");
  EXPECT_EQ(imported["before"]["certificate_sha256"], former);
  EXPECT_EQ(imported["after"]["certificate_sha256"], Fingerprint());

  MakeForeignKey("ceremony", "c0ffee");
  Do({"key", "adopt", "acme", "--uri", "pkcs11:object=ceremony"});
  json adopted = RecordOf("AdoptKey");
  EXPECT_EQ(adopted["key_uri"], "pkcs11:object=ceremony");
  EXPECT_EQ(adopted["key_version"], 2);
  EXPECT_EQ(adopted["certificate_sha256"].get<std::string>().size(), 64U);

  Do({"audit", "rotate-key", "--yes"});
  json rotated = RecordOf("RotateAuditKey");
  EXPECT_EQ(rotated["key_version"], 2);
  EXPECT_EQ(rotated["connection"], "*");
  EXPECT_EQ(rotated["certificate_sha256"].get<std::string>().size(), 64U);
}

}  // namespace
}  // namespace keyward::e2e
