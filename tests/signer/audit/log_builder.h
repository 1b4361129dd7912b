// Audit logs for tests, as the signer writes them and as nobody should.
#ifndef KEYWARD_TESTS_SIGNER_AUDIT_LOG_BUILDER_H_
#define KEYWARD_TESTS_SIGNER_AUDIT_LOG_BUILDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/openssl.h"
#include "signer/audit/chain.h"

namespace keyward::testing {

// An audit key in software, with a self-signed certificate.
class TestAuditKey {
 public:
  // Valid from `not_before` for ten years.
  explicit TestAuditKey(absl::Time not_before = absl::FromUnixSeconds(1767225600));

  const std::string& certificate_pem() const { return pem_; }
  const std::string& kid() const { return kid_; }
  // RS256, as bytes.
  std::string Sign(absl::string_view statement) const;

  // Made once for all tests.
  static const TestAuditKey& First();
  static const TestAuditKey& Second();

 private:
  EvpPkeyPtr key_;
  std::string pem_;
  std::string kid_;
};

// Files of lines without their ends, which tests may change.
using LogFiles = std::vector<std::vector<std::string>>;

class LogBuilder {
 public:
  explicit LogBuilder(const TestAuditKey& key = TestAuditKey::First()) : key_(&key) { Open(); }

  // A record of Sign with `members` behind its outcome: ,"identity":"cn:a".
  LogBuilder& Add(absl::string_view members = R"(,"identity":"cn:backend","connection":"acme")");
  LogBuilder& Add(int count);
  // A checkpoint for the last record.
  LogBuilder& Checkpoint();
  // A checkpoint with what a forger wants.
  LogBuilder& Checkpoint(const signer::Checkpoint& checkpoint);
  // What the log says where the token gave none.
  LogBuilder& LeaveCheckpointOut();
  // The end of this file, with a checkpoint, and the beginning of the next.
  LogBuilder& Rotate();
  // The same without a checkpoint.
  LogBuilder& NewFile();
  LogBuilder& UseKey(const TestAuditKey& key);
  // Lets time pass: each record takes a second.
  LogBuilder& Wait(absl::Duration time);
  // Begins the chain anew, in the same file.
  LogBuilder& Restart();

  const LogFiles& files() const { return files_; }
  // The last record.
  const signer::ChainLink& last() const { return last_; }
  // One of the last record, signed.
  signer::Checkpoint MakeCheckpoint() const;

 private:
  void Open();
  void Append(absl::string_view method, absl::string_view outcome, absl::string_view members);
  std::string Time() const;

  const TestAuditKey* key_;
  uint32_t key_version_ = 1;
  LogFiles files_;
  signer::ChainLink last_;
  absl::Time time_ = absl::FromUnixSeconds(1767312000);
};

// Writes `files` as DIR/audit-N.jsonl, the last one as DIR/audit.jsonl, each line with an
// LF. The paths, in order.
std::vector<std::string> WriteLog(const std::string& dir, const LogFiles& files);

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_SIGNER_AUDIT_LOG_BUILDER_H_
