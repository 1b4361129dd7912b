// The registry: which connections there are, what each may say in its claims,
// and which key versions it has.
#ifndef KEYWARD_KEYSTORE_REGISTRY_REGISTRY_H_
#define KEYWARD_KEYSTORE_REGISTRY_REGISTRY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "keystore/registry/approvals.h"

namespace keyward::registry {

// The connection whose keys sign the audit log's checkpoints. It is none that callers can
// name: CheckConnectionName() refuses a name that begins with a dot.
inline constexpr char kAuditConnection[] = ".audit";

enum class Environment { kProduction, kSandbox, kCustom };

// What an operator sets. The registry stores these fields as they are; whether
// they make sense is checked before they get here (signer/connection_rules).
struct ConnectionSettings {
  std::string consumer_key;
  Environment environment = Environment::kProduction;
  std::string login_url;
  std::vector<std::string> audiences;
  std::vector<std::string> subjects;
  // What a subject may also be, common/subject_pattern.
  std::vector<std::string> subject_patterns;
  bool include_kid = false;
};

struct Connection {
  std::string name;
  ConnectionSettings settings;
  // Changes with every change of the row.
  std::string etag;
  absl::Time create_time;
  absl::Time update_time;
  // Whether nothing may be signed for it, and since when.
  bool frozen = false;
  std::optional<absl::Time> freeze_time;
};

// kGenerating and kDestroying are intentions: the row says what is being done
// on the token, so that after a crash start-up knows what to finish or undo.
enum class VersionState {
  kGenerating,
  kPending,
  kActive,
  kRetiring,
  kDisabled,
  kDestroying,
  kDestroyed,
};

struct KeyVersion {
  std::string connection;
  // 1 or greater, unique and never reused within the connection's name.
  uint32_t number = 0;
  VersionState state = VersionState::kGenerating;
  // CKA_ID of the key pair on the token: raw bytes, unique.
  std::string key_id;
  // JOSE algorithm: "RS256".
  std::string algorithm;
  uint32_t key_bits = 0;
  absl::Time create_time;

  // Empty while kGenerating, and later too if the connection was removed then.
  std::string certificate_der;
  // DER of the certificates above it, its issuer's first; empty where it is
  // self-signed.
  std::vector<std::string> certificate_chain;
  // RFC 7638 SHA-256 thumbprint, base64url.
  std::string kid;
  absl::Time certificate_not_after;
};

// What becomes known of a key version once its key pair exists.
struct IssuedKey {
  std::string certificate_der;
  // As KeyVersion's.
  std::vector<std::string> certificate_chain;
  std::string kid;
  absl::Time certificate_not_after;
};

// Where the audit log stood when that was last noted: the number of its last record, and the
// SHA-256 of that record, 64 lower-case hexadecimal digits.
struct AuditAnchor {
  uint64_t sequence = 0;
  std::string sha256;

  bool operator==(const AuditAnchor&) const = default;
};

// A consistent picture of the whole registry.
struct Contents {
  std::vector<Connection> connections;
  // Every version of those connections but the kGenerating ones.
  std::vector<KeyVersion> key_versions;
  // Whether nothing may be signed for any connection.
  bool emergency_freeze = false;
};

// Implementations are safe for use from several threads, and every call is one
// transaction: it happens whole or not at all, and once it returned OK it is
// durable. Errors common to all:
//   UNAVAILABLE  REGISTRY_UNAVAILABLE  the database does not answer, is locked,
//                read-only or full; nothing was changed
//   DATA_LOSS    REGISTRY_CORRUPT      it is damaged
//   ABORTED      REGISTRY_CONFLICT     someone else's change came between
// "Not there" is NOT_FOUND with the reason CONNECTION_NOT_FOUND or
// KEY_VERSION_NOT_FOUND; a stale etag is ABORTED with ETAG_MISMATCH; a name
// already used is ALREADY_EXISTS with CONNECTION_EXISTS, a CKA_ID that any key
// version ever had with KEY_ID_EXISTS; a key version that is not in the state which a call starts
// from is FAILED_PRECONDITION with KEY_VERSION_WRONG_STATE. Text to be stored
// that is not UTF-8 or holds a NUL is INVALID_ARGUMENT with INVALID_TEXT. An
// etag is never used twice for a name, not even by a connection created anew.
class Registry {
 public:
  virtual ~Registry() = default;

  // Inserts a connection and its first key version in state kGenerating, with
  // this CKA_ID. If a connection of that name was removed earlier, its numbers
  // go on where they ended.
  virtual absl::StatusOr<KeyVersion> CreateConnection(absl::string_view name,
                                                      const ConnectionSettings& settings,
                                                      absl::string_view key_id,
                                                      absl::string_view algorithm,
                                                      uint32_t key_bits) = 0;

  // Connections whose first key version is still kGenerating are not there yet.
  virtual absl::StatusOr<Connection> GetConnection(absl::string_view name) = 0;

  // At most `limit` connections with names after `after`, in order of name, without
  // those whose name begins with a dot.
  virtual absl::StatusOr<std::vector<Connection>> ListConnections(absl::string_view after,
                                                                  size_t limit) = 0;

  virtual absl::StatusOr<Connection> UpdateConnection(absl::string_view name,
                                                      const ConnectionSettings& settings,
                                                      absl::string_view etag) = 0;

  // Puts `audience` first among the connection's audiences; the others keep their order.
  // Changes nothing, the etag and the update time neither, where it stands first
  // already. INVALID_ARGUMENT AUDIENCE_UNKNOWN where it is none of them.
  virtual absl::StatusOr<Connection> PreferAudience(absl::string_view name,
                                                    absl::string_view audience) = 0;

  // Freezes the connection, or thaws it. Changes nothing, the etag and the times neither,
  // where it is so already.
  virtual absl::StatusOr<Connection> SetFrozen(absl::string_view name, bool frozen) = 0;

  // Freezes every connection, those of the future too, or ends that. A connection's own
  // `frozen` stays as it is.
  virtual absl::Status SetEmergencyFreeze(bool frozen) = 0;
  virtual absl::StatusOr<bool> GetEmergencyFreeze() = 0;

  // First half of a removal: marks every key version that is not kDestroyed as
  // kDestroying, and the connection as gone for every other call but
  // FinishDestruction and ListUnfinished. Its name is free again.
  virtual absl::Status BeginRemoval(absl::string_view name, absl::string_view etag) = 0;

  // All versions of a connection but the kGenerating ones, in order of number.
  // Those of a removed connection that had the same name are not among them.
  virtual absl::StatusOr<std::vector<KeyVersion>> ListKeyVersions(absl::string_view connection) = 0;

  // kGenerating → `state`, kPending or kActive, and stores what was issued.
  // FAILED_PRECONDITION ACTIVE_KEY_VERSION_EXISTS where another is kActive.
  virtual absl::Status FinishGeneration(absl::string_view connection, uint32_t number,
                                        VersionState state, const IssuedKey& issued) = 0;

  // Adds a kGenerating version to `connection`, with the next number of its name and
  // this CKA_ID. What is unfinished of it FinishGeneration finishes and UndoGeneration
  // forgets.
  virtual absl::StatusOr<KeyVersion> AddKeyVersion(absl::string_view connection,
                                                   absl::string_view key_id,
                                                   absl::string_view algorithm,
                                                   uint32_t key_bits) = 0;

  // kPending → kActive; the version that was kActive, if one was, becomes `former`:
  // kRetiring or kDisabled.
  virtual absl::Status MakeActive(absl::string_view connection, uint32_t number,
                                  VersionState former) = 0;

  // OK where no key version has this CKA_ID, or ever had: ALREADY_EXISTS KEY_ID_EXISTS.
  virtual absl::Status CheckKeyIdIsFree(absl::string_view key_id) = 0;

  // Adds a kPending version to `connection` for a key that is on the token
  // already, with the next number of the connection's name.
  virtual absl::StatusOr<KeyVersion> AdoptKeyVersion(absl::string_view connection,
                                                     absl::string_view key_id,
                                                     absl::string_view algorithm, uint32_t key_bits,
                                                     const IssuedKey& issued) = 0;

  // Puts another certificate of the same key, and its chain, in the place of
  // `current_der`. `issued.kid` is the version's own: the key stays. From any state
  // but kGenerating, kDestroying and kDestroyed.
  // ABORTED CERTIFICATE_CHANGED where the version's certificate is not
  // `current_der` any more.
  virtual absl::Status ReplaceCertificate(absl::string_view connection, uint32_t number,
                                          absl::string_view current_der,
                                          const IssuedKey& issued) = 0;

  // Forgets a kGenerating version whose key never came to be; a connection that
  // has no other version goes with it. The number is not used again.
  virtual absl::Status UndoGeneration(absl::string_view connection, uint32_t number) = 0;

  // kDestroying → kDestroyed.
  virtual absl::Status FinishDestruction(absl::string_view connection, uint32_t number) = 0;

  // Every version in kGenerating or kDestroying, of removed connections too, in
  // order of connection and number.
  virtual absl::StatusOr<std::vector<KeyVersion>> ListUnfinished() = 0;

  // Everything that is not removed, as of one moment.
  virtual absl::StatusOr<Contents> Load() = 0;

  // Puts an anchor in the place of the one before. INVALID_ARGUMENT where its number is 0 or
  // beyond 2^63 - 1, or its hash is none.
  virtual absl::Status SetAuditAnchor(uint64_t sequence, absl::string_view sha256) = 0;
  // Nothing before the first SetAuditAnchor().
  virtual absl::StatusOr<std::optional<AuditAnchor>> GetAuditAnchor() = 0;

  // Valid as long as the registry.
  virtual ApprovalStore& approvals() = 0;

  // Cheap check that the database answers and is the one that was opened.
  virtual absl::Status Ping() = 0;
};

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_REGISTRY_H_
