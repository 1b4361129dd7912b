// The fixed paths that openCryptoki keeps its state in, made ready for a test.
#ifndef KEYWARD_TESTS_KEYSTORE_MODULES_OPENCRYPTOKI_PATHS_H_
#define KEYWARD_TESTS_KEYSTORE_MODULES_OPENCRYPTOKI_PATHS_H_

#include <memory>

#include "absl/status/statusor.h"

namespace keyward::pkcs11 {

inline constexpr char kSlotDaemonSocket[] = "/run/pkcsslotd.socket";

// While it lives, the software token is as new, and pkcsslotd may be started. The
// destructor leaves the system's paths as they were found; the daemon must have
// ended before.
class OpenCryptokiPaths {
 public:
  // Over the system's own paths lie others, in a mount namespace of this process,
  // where it may have one. Else root uses the system's paths themselves, one
  // process at a time, as long as nobody else does. UNAVAILABLE, with the
  // reason, where neither is possible or openCryptoki is not installed.
  static absl::StatusOr<std::unique_ptr<OpenCryptokiPaths>> Prepare();
  virtual ~OpenCryptokiPaths() = default;
};

}  // namespace keyward::pkcs11

#endif  // KEYWARD_TESTS_KEYSTORE_MODULES_OPENCRYPTOKI_PATHS_H_
