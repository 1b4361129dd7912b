#include "signer/audit_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/openssl.h"
#include "common/utf8.h"
#include "signer/audit/json_text.h"
#include "tests/signer/audit_log_fixture.h"

namespace keyward::signer {
namespace {

using nlohmann::json;

constexpr char kHash[] = "abab";

TEST(AuditRecordTest, ARecordSaysWhatWasDecided) {
  AuditRecord record = RecordOf("acme");
  record.identity = "spiffe://a/b";
  record.key_version = 3;
  record.claims_sha256 = "00ff";
  record.sub = "u@example.com";
  record.aud = "https://login.salesforce.com";
  record.exp = absl::FromUnixSeconds(1700000180);
  record.role = "backends";
  record.on_behalf_of = "dns:shop.example";
  record.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  EXPECT_EQ(
      ToJsonLine(record, 7, kHash),
      R"({"sequence":7,"previous":"abab","time":"2023-11-14T22:13:20.000000Z","method":"Sign",)"
      R"("outcome":"done","identity":"spiffe://a/b","on_behalf_of":"dns:shop.example",)"
      R"("role":"backends","connection":"acme",)"
      R"("key_version":3,"claims_sha256":"00ff","sub":"u@example.com",)"
      R"("aud":"https://login.salesforce.com","exp":1700000180,)"
      R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"})");
}

TEST(AuditRecordTest, WhatACallerWroteCannotBreakTheLine) {
  AuditRecord record = RecordOf("a\n\"}{\"outcome\":\"done");
  record.refusal = "CONNECTION_NAME_INVALID";
  record.identity = std::string("cn:\xff\xfe", 5);
  const std::string line = ToJsonLine(record, 1, kHash);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 0);
  const auto json = nlohmann::json::parse(line, nullptr, false);
  ASSERT_TRUE(json.is_object()) << line;
  EXPECT_EQ(json["outcome"], "refused");
  EXPECT_EQ(json["connection"], record.connection);

  record.connection = std::string(100000, 'x');
  EXPECT_LT(ToJsonLine(record, 1, kHash).size(), 2000U);
}

TEST(AuditRecordTest, IdentitiesAreThereWhole) {
  AuditRecord record = RecordOf("acme");
  record.identity = "spiffe://a/" + std::string(2037, 'i');
  record.on_behalf_of = "spiffe://a/" + std::string(2037, 'b');
  const auto json = nlohmann::json::parse(ToJsonLine(record, 1, kHash), nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["identity"], record.identity);
  EXPECT_EQ(json["on_behalf_of"], record.on_behalf_of);
}

TEST(AuditRecordTest, WhatAStrangerSendsNeitherGrowsARecordNorSteersATerminal) {
  AuditRecord record = RecordOf(CutName(std::string(60000, '\x01')));
  EXPECT_LT(ToJsonLine(record, 1, kHash).size(), 600U);
  record.connection =
      "\xc2\x9b"
      "2J\xe2\x80\xae";
  const std::string line = ToJsonLine(record, 1, kHash);
  EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }))
      << line;
}

TEST(AuditRecordTest, AllThatAChangeAndACountHave) {
  AuditRecord record = RecordOf("acme");
  record.before = R"({"subjects": ["a"],
                      "name": "\u00e9"})";
  record.after = "{}";
  record.approval = "approvals/1";
  record.comment = "as agreed";
  record.policy_sha256 = "77";
  record.detail = "why";
  record.file = "audit.jsonl.torn-1";
  record.file_sha256 = "88";
  record.count = 3;
  record.last_time = absl::FromUnixMicros(1700000000999999);
  record.checkpoint = Checkpoint{.link = {6, "99"},
                                 .time = "2023-11-14T22:13:20.000000Z",
                                 .key_version = 2,
                                 .kid = "k",
                                 .signature = "s"};
  EXPECT_EQ(ToJsonLine(record, 7, kHash),
            R"({"sequence":7,"previous":"abab","time":"2023-11-14T22:13:20.000000Z",)"
            R"("method":"Sign","outcome":"done","connection":"acme",)"
            R"("approval":"approvals/1","comment":"as agreed","policy_sha256":"77","detail":"why",)"
            R"("file":"audit.jsonl.torn-1","file_sha256":"88","count":3,)"
            R"("last_time":"2023-11-14T22:13:20.999999Z",)"
            R"("before":{"subjects":["a"],"name":"\u00e9"},"after":{},)"
            R"("checkpoint":{"sequence":6,"sha256":"99","time":"2023-11-14T22:13:20.000000Z",)"
            R"("key_version":2,"kid":"k","signature":"s"}})");
}

TEST(AuditRecordTest, ChangesThatAreTooLongOrNoObjectsAreThereByTheirHash) {
  AuditRecord record = RecordOf("acme");
  record.before = absl::StrCat("{\"a\":\"", std::string(16400, 'x'), "\"}");
  record.after = "{\"a\":1}\n{\"sequence\":9}";
  const std::string line = ToJsonLine(record, 1, kHash);
  const json parsed = json::parse(line, nullptr, false);
  EXPECT_EQ(parsed["before"], json({{"sha256", HexSha256(record.before)}}));
  EXPECT_EQ(parsed["after"], json({{"sha256", HexSha256(record.after)}}));
}

TEST(AuditRecordTest, NoRecordIsLongerThanALineMayBe) {
  AuditRecord record = RecordOf(CutName(std::string(100, '\x01')));
  record.identity = record.on_behalf_of = std::string(5000, '\x01');
  for (std::string* text : {&record.sub, &record.aud, &record.comment, &record.detail}) {
    *text = std::string(5000, '\x01');
  }
  record.before = record.after = absl::StrCat("{\"a\":\"", std::string(16000, 'x'), "\"}");
  const std::string line = ToJsonLine(record, 1, kHash);
  EXPECT_LE(line.size(), kMaxLineBytes);
  EXPECT_TRUE(json::parse(line, nullptr, false)["before"].contains("sha256"));
}

TEST(JsonTextTest, IsReadBackAsItWas) {
  std::vector<std::string> texts = {"",         "plain",        "\"\\/\b\f\n\r\t\x7f",
                                    "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
  for (int c = 0; c < 256; ++c) {
    for (const char* rest :
         {"", "x", "\x80", "\xa0\x80", "\x90\x80\x80", "\x8f\xbf\xbf", "\x9f\xbf"}) {
      texts.push_back(absl::StrCat("a", std::string(1, static_cast<char>(c)), rest));
    }
  }
  for (const std::string& text : texts) {
    std::string written;
    AppendJsonText(text, written);
    EXPECT_TRUE(
        std::all_of(written.begin(), written.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    const json parsed = json::parse(written, nullptr, false);
    ASSERT_TRUE(parsed.is_string()) << written;
    if (IsValidUtf8(text)) {
      EXPECT_EQ(parsed.get<std::string>(), text) << written;
    } else {
      EXPECT_THAT(parsed.get<std::string>(), ::testing::HasSubstr("\xef\xbf\xbd")) << written;
    }
  }
}

}  // namespace
}  // namespace keyward::signer
