// Proof that audit files are as the signer wrote them: one streaming pass, offline.
#ifndef KEYWARD_SIGNER_AUDIT_AUDIT_VERIFIER_H_
#define KEYWARD_SIGNER_AUDIT_AUDIT_VERIFIER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "signer/audit/audit_finding.h"
#include "signer/audit/checkpoint_keys.h"

namespace keyward::signer {

// A record that somebody wrote down elsewhere, to be found again.
struct Anchor {
  uint64_t sequence = 0;
  // 64 lower-case hexadecimal digits: SHA-256 of its line without its end.
  std::string sha256;
};

// Reads "12345:ab…". INVALID_ARGUMENT ANCHOR_INVALID.
absl::StatusOr<Anchor> ParseAnchor(absl::string_view text);

struct VerifyOptions {
  std::vector<Anchor> anchors;
  // Whether a log that begins later than with record 1 is a failure.
  bool from_start = false;
  // A longer end that no checkpoint vouches for is a failure: whoever rewrites the end of
  // a log has to leave its checkpoints out. So much between two is a warning: whoever
  // did that while no signer ran had it vouched for by the next start. Twice the most that a signer
  // can be configured for, 10,000 records and an hour.
  uint64_t max_unvouched_records = 20000;
  absl::Duration max_unvouched_time = absl::Hours(2);
  // Those beyond are counted only.
  size_t max_findings = 100;
};

struct VerifyReport {
  struct Record {
    uint64_t sequence = 0;
    std::string sha256;
    absl::Time time;
  };

  size_t files = 0;
  uint64_t records = 0;
  uint64_t bytes = 0;
  // Nothing where there is no record at all.
  std::optional<Record> first;
  std::optional<Record> last;
  // Those that hold: their signature is a given key's, and the record is the one they
  // vouch for.
  uint64_t checkpoints = 0;
  // The last record that one vouches for, with the checkpoint's time.
  std::optional<Record> vouched;
  // How many records follow it.
  uint64_t unvouched_records = 0;
  std::vector<Finding> findings;
  // Failures and warnings in all, also those that `findings` has no room for.
  uint64_t failures = 0;
  uint64_t warnings = 0;
  absl::Duration elapsed;

  bool ok() const { return failures == 0; }
};

// Verifies the log that `paths` make up, in whatever order they are given: files, or
// directories that stand for every *.jsonl in them. Memory does not grow with the
// files. A log that is not as it should be is no error but a report with findings; after
// a break in the chain verification goes on with what follows. Errors: INVALID_ARGUMENT
// AUDIT_FILES_MISSING where there is no file, AUDIT_FILE_UNREADABLE naming it.
absl::StatusOr<VerifyReport> VerifyAuditFiles(const std::vector<std::string>& paths,
                                              const CheckpointKeys& keys,
                                              const VerifyOptions& options);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_AUDIT_VERIFIER_H_
