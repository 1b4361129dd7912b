// What the signing path knows of the registry: a picture in memory, so that no
// signature waits for the database.
#ifndef KEYWARD_KEYSTORE_REGISTRY_SNAPSHOT_H_
#define KEYWARD_KEYSTORE_REGISTRY_SNAPSHOT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/mutex.h"
#include "common/openssl.h"
#include "keystore/registry/registry.h"

namespace keyward::registry {

// Whether a version in that state signs when asked for by number, so that verifiers may
// meet its signatures.
bool MaySign(VersionState state);

// A key version with everything that can be worked out before it is used.
struct SigningKey {
  KeyVersion version;
  // From the certificate. Not null in what Select() returns.
  EvpPkeyPtr public_key;
  // Length of every signature: the RSA modulus in bytes.
  size_t signature_bytes = 0;
  // The JOSE header (RFC 7515 section 4) as base64url without padding:
  // {"alg":"RS256","typ":"JWT"}, and "kid" where the connection asks for it.
  std::string jose_header_base64url;
};

// Immutable, so safe for use from several threads. Pointers into it are valid as
// long as it lives.
class Snapshot {
 public:
  // DATA_LOSS REGISTRY_CORRUPT, naming the key version, where `contents`
  // contradicts itself: a version that may sign has no RSA certificate of its
  // size, two of a connection are ACTIVE, two are the same, or a version belongs
  // to no connection. UNIMPLEMENTED ALGORITHM_UNSUPPORTED for an algorithm that
  // a newer Keyward stored.
  static absl::StatusOr<std::shared_ptr<const Snapshot>> New(Contents contents);

  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // Whether nothing may be signed for any connection.
  bool emergency_freeze() const { return emergency_freeze_; }

  // Null where there is none.
  const Connection* FindConnection(absl::string_view name) const;

  // The key that signs for `connection`: version `number`, else the ACTIVE one.
  // Never null. Errors:
  //   NOT_FOUND            CONNECTION_NOT_FOUND, KEY_VERSION_NOT_FOUND
  //   FAILED_PRECONDITION  KEY_VERSION_DISABLED, KEY_VERSION_DESTROYED,
  //                        NO_ACTIVE_KEY_VERSION
  absl::StatusOr<const SigningKey*> Select(absl::string_view connection,
                                           std::optional<uint32_t> number) const;

  // Of every connection the versions that may sign: PENDING, ACTIVE and RETIRING.
  // In no particular order.
  std::vector<const KeyVersion*> VersionsThatMaySign() const;

 private:
  struct Entry {
    Connection connection;
    // In order of number.
    std::vector<SigningKey> keys;
    // Index of the ACTIVE one in `keys`.
    std::optional<size_t> active;
  };

  Snapshot() = default;

  absl::Status Add(KeyVersion version);
  absl::Status IndexKeys(Entry& entry);

  absl::flat_hash_map<std::string, Entry> entries_;
  bool emergency_freeze_ = false;
};

// The current snapshot, replaced as a whole after every change. Thread-safe.
class SnapshotHolder {
 public:
  // `snapshot` is not null, here and below.
  explicit SnapshotHolder(std::shared_ptr<const Snapshot> snapshot);

  std::shared_ptr<const Snapshot> Get() const;
  void Set(std::shared_ptr<const Snapshot> snapshot);

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_SNAPSHOT_H_
