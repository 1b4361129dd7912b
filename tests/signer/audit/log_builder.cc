#include "tests/signer/audit/log_builder.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/file.h"
#include "common/rsa_public_key.h"

namespace keyward::testing {
namespace {

constexpr int64_t kTenYears = 3650L * 24 * 3600;

std::string ToPem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  const char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

std::string Json(const signer::Checkpoint& checkpoint) {
  return absl::StrFormat(
      R"(,"checkpoint":{"sequence":%d,"sha256":"%s","time":"%s","key_version":%d,"kid":"%s","signature":"%s"})",
      checkpoint.link.sequence, checkpoint.link.sha256, checkpoint.time, checkpoint.key_version,
      checkpoint.kid, checkpoint.signature);
}

}  // namespace

TestAuditKey::TestAuditKey(absl::Time not_before) : key_(EVP_RSA_gen(2048)) {
  const X509Ptr certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(not_before));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(not_before) + kTenYears);
  X509_set_pubkey(certificate.get(), key_.get());
  EXPECT_GT(X509_sign(certificate.get(), key_.get(), EVP_sha256()), 0);
  pem_ = ToPem(certificate.get());
  kid_ = JwkThumbprint(*key_).value_or("");
}

std::string TestAuditKey::Sign(absl::string_view statement) const {
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  size_t size = 0;
  const auto* data = reinterpret_cast<const uint8_t*>(statement.data());
  EXPECT_EQ(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()), 1);
  EXPECT_EQ(EVP_DigestSign(context.get(), nullptr, &size, data, statement.size()), 1);
  std::string signature(size, '\0');
  EXPECT_EQ(EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &size, data,
                           statement.size()),
            1);
  signature.resize(size);
  return signature;
}

const TestAuditKey& TestAuditKey::First() {
  static const auto* const key = new TestAuditKey();
  return *key;
}

const TestAuditKey& TestAuditKey::Second() {
  static const auto* const key = new TestAuditKey();
  return *key;
}

LogBuilder& LogBuilder::Add(absl::string_view members) {
  Append("Sign", "done", members);
  return *this;
}

LogBuilder& LogBuilder::Add(int count) {
  for (int i = 0; i < count; ++i) Add();
  return *this;
}

LogBuilder& LogBuilder::Checkpoint() { return Checkpoint(MakeCheckpoint()); }

LogBuilder& LogBuilder::Checkpoint(const signer::Checkpoint& checkpoint) {
  Append("Checkpoint", "done", Json(checkpoint));
  return *this;
}

LogBuilder& LogBuilder::LeaveCheckpointOut() {
  Append("Checkpoint", "refused", R"(,"reason":"CHECKPOINT_UNAVAILABLE")");
  return *this;
}

LogBuilder& LogBuilder::Rotate() { return Checkpoint().NewFile(); }

LogBuilder& LogBuilder::NewFile() {
  Open();
  return *this;
}

LogBuilder& LogBuilder::UseKey(const TestAuditKey& key) {
  key_ = &key;
  ++key_version_;
  return *this;
}

LogBuilder& LogBuilder::Wait(absl::Duration time) {
  time_ += time;
  return *this;
}

LogBuilder& LogBuilder::Restart() {
  last_ = signer::ChainLink();
  return *this;
}

signer::Checkpoint LogBuilder::MakeCheckpoint() const {
  signer::Checkpoint checkpoint{last_, Time(), key_version_, key_->kid()};
  checkpoint.signature = absl::WebSafeBase64Escape(
      key_->Sign(signer::CheckpointStatement(checkpoint.link, checkpoint.time)));
  return checkpoint;
}

void LogBuilder::Open() {
  files_.emplace_back();
  Append("OpenFile", "done", "");
}

void LogBuilder::Append(absl::string_view method, absl::string_view outcome,
                        absl::string_view members) {
  time_ += absl::Seconds(1);
  const uint64_t sequence = last_.sequence + 1;
  files_.back().push_back(absl::StrCat(R"({"sequence":)", sequence, R"(,"previous":")",
                                       last_.sha256, R"(","time":")", Time(), R"(","method":")",
                                       method, R"(","outcome":")", outcome, "\"", members, "}"));
  last_ = {sequence, HexSha256(files_.back().back())};
}

std::string LogBuilder::Time() const {
  std::string text;
  signer::AppendAuditTime(time_, text);
  return text;
}

std::vector<std::string> WriteLog(const std::string& dir, const LogFiles& files) {
  std::vector<std::string> paths;
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string name =
        i + 1 == files.size() ? "audit" : absl::StrFormat("audit-%012d", i + 1);
    paths.push_back(absl::StrCat(dir, "/", name, ".jsonl"));
    std::string text;
    for (const std::string& line : files[i]) absl::StrAppend(&text, line, "\n");
    EXPECT_TRUE(WriteFile(paths.back(), text).ok());
  }
  return paths;
}

}  // namespace keyward::testing
