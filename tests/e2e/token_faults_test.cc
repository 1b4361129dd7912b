// A token that fails, goes away, or holds a key that must not be used.
#include <stdio.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/e2e/raw_calls.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;

class TokenFaultsTest : public SignerTest {
 protected:
  testing::Finished Pkcs11Tool(const std::vector<std::string>& arguments) const {
    std::vector<std::string> argv = {
        "pkcs11-tool", "--module", testing::kSoftHsmModule, "--token-label", testing::kSignerToken,
        "--login",     "--pin",    testing::kUserPin};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return testing::Run(argv);
  }

  // CKA_ID of the private key with this label, in hexadecimal.
  std::string KeyId(const std::string& label) const {
    const testing::Finished listed = Pkcs11Tool({"--list-objects", "--type", "privkey"});
    bool is_ours = false;
    for (const absl::string_view line : absl::StrSplit(listed.out, '\n')) {
      const std::vector<absl::string_view> words =
          absl::StrSplit(line, absl::ByAnyChar(" :"), absl::SkipEmpty());
      if (words.size() != 2) continue;
      if (words[0] == "label") is_ours = words[1] == label;
      if (words[0] == "ID" && is_ours) return std::string(words[1]);
    }
    ADD_FAILURE() << "no key " << label << " in:\n" << listed.out << listed.err;
    return "";
  }
};

TEST_F(TokenFaultsTest, AKeyThatCouldLeaveTheTokenSignsNothing) {
  Start();
  CreateConnection("acme");
  CreateConnection("globex");
  Stop();
  const std::string id = KeyId("keyward/acme/1");
  ASSERT_EQ(Pkcs11Tool({"--delete-object", "--type", "privkey", "--id", id}).exit_code, 0);
  const testing::Finished made = Pkcs11Tool({"--keypairgen", "--key-type", "rsa:2048", "--id", id,
                                             "--label", "keyward/acme/1", "--extractable"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  Start();
  EXPECT_EQ(CodeAndReason(Sign("acme")), "FAILED_PRECONDITION KEY_REFUSED");
  EXPECT_THAT(signer_.daemon().Output(), HasSubstr("CKA_EXTRACTABLE is true"));
  EXPECT_EQ(CodeAndReason(Sign("globex")), "OK");
  EXPECT_EQ(Health(Connect(signer_)), "SERVING");
  Stop();
  ExpectSignOutcomes({"KEY_REFUSED", "done"});
}

TEST_F(TokenFaultsTest, AKeyThatIsGoneSignsNothing) {
  Start();
  CreateConnection("acme");
  CreateConnection("globex");
  Stop();
  const std::string id = KeyId("keyward/acme/1");
  ASSERT_EQ(Pkcs11Tool({"--delete-object", "--type", "privkey", "--id", id}).exit_code, 0);
  Start();
  EXPECT_EQ(CodeAndReason(Sign("acme")), "FAILED_PRECONDITION KEY_REFUSED");
  EXPECT_EQ(CodeAndReason(Sign("globex")), "OK");
}

TEST_F(TokenFaultsTest, ATokenThatComesBackIsUsedAgainWithoutARestart) {
  Start();
  CreateConnection();
  // As a backend does: one client for as long as it lives.
  auto client = Client();
  auto channel = Connect(signer_);
  const auto sign = [&] { return CodeAndReason(client->Sign("acme", GoodClaims()).status()); };
  ASSERT_EQ(sign(), "OK");
  const std::string place = signer_.softhsm().token_dir();
  const std::string elsewhere = place + ".away";
  ASSERT_EQ(rename(place.c_str(), elsewhere.c_str()), 0);
  EXPECT_EQ(sign(), "UNAVAILABLE TOKEN_UNAVAILABLE");
  EXPECT_TRUE(Eventually([&] { return Health(channel) == "NOT_SERVING"; }));
  EXPECT_EQ(sign(), "UNAVAILABLE TOKEN_UNAVAILABLE");
  ASSERT_EQ(rename(elsewhere.c_str(), place.c_str()), 0);
  ASSERT_TRUE(Eventually([&] { return sign() == "OK"; })) << signer_.daemon().Output();
  EXPECT_TRUE(Eventually([&] { return Health(channel) == "SERVING"; }));
  // An idle client may keep a signer that stops waiting for its goodbye.
  client.reset();
  channel.reset();
  Stop();
  EXPECT_THAT(SignOutcomes(), Contains("done").Times(2));
}

class FaultyTokenTest : public FaultySignerTest {
 protected:
  FaultyTokenTest() {
    Start(environment());
    CreateConnection();
  }
};

TEST_F(FaultyTokenTest, ASignatureThatDoesNotVerifyIsNotReleased) {
  SetFaults("C_Sign corrupt\n");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(CodeAndReason(Sign()), "INTERNAL SIGNATURE_INVALID");
  }
  // One was the certificate's, and checkpoints of the audit log may be among them.
  EXPECT_GE(Calls("C_Sign"), 4);
  const testing::Finished command = signer_.Keyward({"sign", "acme"});
  EXPECT_EQ(command.exit_code, 1);
  EXPECT_EQ(command.out, "");
  SetFaults("");
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
  EXPECT_THAT(SignOutcomes(), Contains("done").Times(1));
  EXPECT_TRUE(Eventually([&] {
    const std::vector<std::string> outcomes = SignOutcomes();
    return std::count(outcomes.begin(), outcomes.end(), "SIGNATURE_INVALID") == 4;
  }));
}

TEST_F(FaultyTokenTest, NoCertificateIsMadeWithASignatureThatDoesNotVerify) {
  SetFaults("C_Sign corrupt\n");
  v1::Connection connection;
  connection.set_name("globex");
  EXPECT_FALSE(Client()->CreateConnection(connection).ok());
  SetFaults("");
  EXPECT_TRUE(Eventually([&] {
    const auto created = Client()->CreateConnection(connection);
    return created.ok() || absl::IsAlreadyExists(created.status());
  }));
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
}

TEST_F(FaultyTokenTest, ADeviceErrorIsUnavailableUntilItIsOver) {
  SetFaults("C_Sign 0x30\n");
  std::vector<std::string> seen;
  for (int i = 0; i < 5; ++i) seen.push_back(CodeAndReason(Sign()));
  EXPECT_THAT(seen, Each("UNAVAILABLE TOKEN_UNAVAILABLE"));
  SetFaults("");
  EXPECT_TRUE(Eventually([&] { return Sign().ok(); })) << signer_.daemon().Output();
  EXPECT_THAT(SignOutcomes(), Contains("done").Times(1));
  EXPECT_EQ(Calls("C_Login"), 1);
}

TEST_F(FaultySignerTest, AKeyThatCannotBeDestroyedKeepsNobodyFromSigning) {
  Start(environment());
  CreateConnection("doomed");
  CreateConnection();
  const auto client = Client();
  SetFaults("C_DestroyObject 0x54\n");
  EXPECT_FALSE(client->DeleteConnection("doomed", client->GetConnection("doomed")->etag()).ok());
  Stop();
  Start(environment());
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
  EXPECT_EQ(CodeAndReason(Sign("doomed")), "NOT_FOUND CONNECTION_NOT_FOUND");
}

}  // namespace
}  // namespace keyward::e2e
