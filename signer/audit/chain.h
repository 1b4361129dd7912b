// What holds the audit log together: each record has the SHA-256 of the one before, and
// now and then the audit key signs where the log stands. The format is docs/audit.md.
#ifndef KEYWARD_SIGNER_AUDIT_CHAIN_H_
#define KEYWARD_SIGNER_AUDIT_CHAIN_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "signer/audit/audit_line.h"

namespace keyward::signer {

// Methods of records that the log writes about itself, beside those of audit_line.h.
inline constexpr char kSetAsideTornRecordMethod[] = "SetAsideTornRecord";
inline constexpr char kResumeMethod[] = "ResumeAuditLog";

// `reason` of a refused kCheckpointMethod, at a file's end that the audit key did not sign.
inline constexpr char kCheckpointLeftOut[] = "CHECKPOINT_LEFT_OUT";

// A place in the log: a record's number, and the SHA-256 of its line without the line
// end, 64 lower-case hexadecimal digits. Before the first record: 0 and kNoPrevious.
struct ChainLink {
  uint64_t sequence = 0;
  std::string sha256{kNoPrevious};

  bool operator==(const ChainLink&) const = default;
};

// Member `checkpoint` of a record: the audit key's signature for the record `link` and so
// for all before it.
struct Checkpoint {
  ChainLink link;
  // RFC 3339, as it was signed.
  std::string time;
  uint32_t key_version = 0;
  // RFC 7638 thumbprint of the public key.
  std::string kid;
  // RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017) of CheckpointStatement(), base64url without
  // padding.
  std::string signature;
};

// The text that the audit key signs: "keyward audit checkpoint v1", the number, the hash
// and the time, a line each.
std::string CheckpointStatement(const ChainLink& link, absl::string_view time);

// The end of the log, as somebody may write it down elsewhere.
struct AuditHead {
  // The last record that is on the disk.
  ChainLink last;
  // The last record that a checkpoint in the log vouches for, and that checkpoint's time;
  // 0, kNoPrevious and InfinitePast() where there is none yet.
  ChainLink vouched;
  absl::Time vouched_time = absl::InfinitePast();
};

// "2026-01-31T12:00:00.123456Z", as all times in the log are written.
void AppendAuditTime(absl::Time time, std::string& text);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_CHAIN_H_
