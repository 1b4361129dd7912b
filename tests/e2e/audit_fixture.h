// A signer whose audit log has many checkpoints and small files, and the command that
// verifies it.
#ifndef KEYWARD_TESTS_E2E_AUDIT_FIXTURE_H_
#define KEYWARD_TESTS_E2E_AUDIT_FIXTURE_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {

// Of signer.yaml's audit: a checkpoint every five records, files of 1 MiB.
extern const char kAuditSettings[];

class AuditTest : public SignerTest {
 protected:
  AuditTest();

  std::string File(absl::string_view name) const { return signer_.File(name); }
  std::string ReadAll(const std::string& path) const;

  void Kill();

  // Sets audit.accept_loss for the next starts; 0 for none.
  void AcceptLoss(uint64_t sequence) const;

  // What `keyward` prints; a failure of the test where it fails.
  std::string Do(const std::vector<std::string>& arguments,
                 const std::string& client = "operator") const;

  // Has the signer close its file, with changes of "acme" whose records are large.
  void FillFile() const;
  // Oldest first, paths.
  std::vector<std::string> ClosedFiles() const;
  // The files of the log, oldest first, the one being written last.
  std::vector<std::string> LogFiles() const;
  // All records of those.
  std::vector<nlohmann::json> WholeAudit() const;

  // Writes the certificates of the audit key to the file `name`.
  void SaveCertificates(const std::string& name) const;
  // "12:9f86…", the log's end now.
  std::string Head() const;

  // What `keyward audit verify` says of the folder with the log, as JSON with the member
  // "exit_code" added.
  nlohmann::json Verify(const std::vector<std::string>& certificates,
                        const std::vector<std::string>& more = {}) const;
  // Those of its findings that are failures, as "kind".
  static std::vector<std::string> Failures(const nlohmann::json& report);
  // The first finding of that kind; null where there is none.
  static nlohmann::json FindingOf(const nlohmann::json& report, absl::string_view kind);

  // `keyward` in the background, with the settings of `client`.
  std::unique_ptr<testing::Daemon> Background(std::vector<std::string> arguments,
                                              const std::string& client = "operator") const;
};

}  // namespace keyward::e2e

#endif  // KEYWARD_TESTS_E2E_AUDIT_FIXTURE_H_
