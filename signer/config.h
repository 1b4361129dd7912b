// signer.yaml: the settings of keyward-signer.
#ifndef KEYWARD_SIGNER_CONFIG_H_
#define KEYWARD_SIGNER_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/server/connection_table.h"
#include "common/server/settings_reader.h"
#include "common/server/tls_files.h"
#include "signer/audit/sink_config.h"
#include "signer/caller_identity.h"
#include "signer/pin_source.h"

namespace keyward::signer {

struct TokenConfig {
  std::string module;
  // RFC 7512; names a token.
  std::string uri;
  PinSource pin;
  // 1 to 256.
  int sessions = 2;
  // Accept keys whose CKA_LOCAL is false.
  bool allow_imported_keys = false;
  // Labels (CKA_LABEL) of keys that may be adopted; exact, or with '*' at the end.
  std::vector<std::string> adoptable_labels = {"*"};
};

struct AuditConfig {
  // The file that is written; those before it lie beside it.
  std::string file;
  // A file that is larger or older is closed and the next one begun: 1 to 10000 MiB, 1 h
  // to 8760 h.
  int rotate_mib = 100;
  absl::Duration rotate_age = absl::Hours(24);
  // A signed checkpoint after so many records (1 to 10000) or that much time (1 s to 3600 s),
  // whichever comes first.
  int checkpoint_records = 1000;
  absl::Duration checkpoint_interval = absl::Seconds(60);
  ForwardConfig forward;
  // The number of the record that the registry says the log had, where an operator accepts that
  // it and those around it are lost; 0 for nothing.
  uint64_t accept_loss = 0;
};

// Paths are absolute, or relative to the working directory where the path of
// signer.yaml is.
struct SignerConfig {
  // Whom a signer that root starts becomes; empty for nobody else.
  std::string user;
  // "host:port"; port 0 takes any that is free.
  std::string listen;
  server::TlsFiles tls;
  // What a caller's certificate may identify it by.
  IdentityKinds identity_kinds;
  TokenConfig token;
  std::string registry_sqlite;
  AuditConfig audit;
  std::string policy;
  // 1 to 3650.
  int certificate_validity_days = 730;
  // Calls that may wait, 1 to 100000.
  int queue = 1024;
  // 10 to 60000, and 1 to 60000.
  server::ConnectionLimits connections;
  // 1 s to 300 s.
  absl::Duration max_assertion_lifetime = absl::Seconds(300);
  // How far a caller's clock may be from ours, 0 s to 300 s.
  absl::Duration clock_skew = absl::Seconds(60);
  server::MonitoringConfig monitoring;

  // The file it was read from, and the line of each setting in it by path
  // ("tls.certificate"), for messages.
  std::string file;
  server::SettingLines lines;
};

// Reads `yaml`, the contents of the file at the path `file`; looks at no other
// file. Errors: INVALID_ARGUMENT without a reason, whose message has a line for
// each mistake: "signer.yaml:12: token.sessions: must be 1..256, is 0".
absl::StatusOr<SignerConfig> ParseConfig(absl::string_view yaml, const std::string& file);

// ParseConfig() of the file at `file`, or why it cannot be read.
absl::StatusOr<SignerConfig> LoadConfig(const std::string& file);

// Checks the files that `config` names: the TLS files as server::CheckTlsFiles();
// the module and the policy can be read; the PIN is there (as
// CheckPin() says); the registry and the audit log can be written or made; and the
// policy has no mistakes. Errors as ParseConfig().
absl::Status CheckFiles(const SignerConfig& config);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_CONFIG_H_
