// What the audit log says about one decision.
#ifndef KEYWARD_SIGNER_AUDIT_RECORD_H_
#define KEYWARD_SIGNER_AUDIT_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "signer/audit/chain.h"

namespace keyward::signer {

// One line of the log. It never holds a signature, an assertion or a PIN: the
// claims are there as their SHA-256, and as the three that say whom the assertion
// is for.
struct AuditRecord {
  absl::Time time;
  // As signer/caller_identity writes it; empty where the caller has none.
  std::string identity;
  // For whom the caller says that it asks, where that is an identity; nothing has
  // verified it.
  std::string on_behalf_of;
  // W3C trace id that the caller sent, 32 hexadecimal digits.
  std::string trace_id;
  // The API's method: "Sign", "CreateConnection".
  std::string method;
  // As the caller wrote it, cut off where no name is that long.
  std::string connection;
  std::optional<uint32_t> key_version;
  // RFC 7512 URI of the key to be adopted, without a PIN.
  std::string key_uri;
  // Of the certificate (DER) that was put in place, 64 hexadecimal digits.
  std::string certificate_sha256;
  // Of the claims as they came, 64 hexadecimal digits.
  std::string claims_sha256;
  std::string sub;
  // Also of PreferAudience: the audience that the caller named.
  std::string aud;
  std::optional<absl::Time> exp;
  // The role of the policy that decided: that allowed it, or that denied it. Empty where
  // none did.
  std::string role;
  // Empty where it was allowed and done; else the error's reason.
  std::string refusal;

  // Of a change: what it changed, as JSON objects with the same members before and after.
  // More than 16 KiB of either are replaced by their SHA-256.
  std::string before;
  std::string after;
  // Name of the approval that a second person gave, or that was asked for.
  std::string approval;
  // What a person wrote to explain it.
  std::string comment;
  // What the daemon itself has to say: of a reload, a recovery, a start.
  std::string detail;
  // Of a start or a reload of the policy, 64 hexadecimal digits.
  std::string policy_sha256;
  // Of refusals that were counted into one record: how many, and when the last was. The
  // record's time is the first one's.
  uint64_t count = 1;
  std::optional<absl::Time> last_time;

  // Of a file that the log set aside: its name, and its SHA-256 in 64 hexadecimal digits.
  std::string file;
  std::string file_sha256;
  // Of a record that vouches for those before it.
  std::optional<Checkpoint> checkpoint;
};

// `text`, at most as much of it as a connection's name can have: a record must not
// grow with what a stranger sends.
std::string CutName(const std::string& text);

// The record as one line of JSON in ASCII, without a line end: record `sequence`, behind the
// one whose SHA-256 is `previous`. Members that do not apply are left out; `before` and
// `after` are replaced by {"sha256":"..."} where they are no JSON objects or longer than
// 16 KiB, and where the line would be longer than kMaxLineBytes.
std::string ToJsonLine(const AuditRecord& record, uint64_t sequence, absl::string_view previous);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_RECORD_H_
