// Mounts that only this process and its children see.
#ifndef KEYWARD_TESTS_KEYSTORE_MODULES_PRIVATE_MOUNTS_H_
#define KEYWARD_TESTS_KEYSTORE_MODULES_PRIVATE_MOUNTS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace keyward::pkcs11 {

// Takes this process, for the rest of its life, into a mount and an IPC namespace
// of its own (unshare(2)): as root with CAP_SYS_ADMIN, else within a user namespace
// where the system lets anyone have one. PERMISSION_DENIED where neither works.
// Call it while the process has one thread; a second call does nothing.
absl::Status EnterPrivateNamespaces();

// A mount in that namespace. The destructor takes it away again.
class Mount {
 public:
  static absl::StatusOr<Mount> Bind(const std::string& source, const std::string& target);
  static absl::StatusOr<Mount> Tmpfs(const std::string& target);
  ~Mount();
  Mount(Mount&& other) noexcept;
  Mount& operator=(Mount&&) = delete;

 private:
  explicit Mount(std::string target);

  // Empty once moved from.
  std::string target_;
};

}  // namespace keyward::pkcs11

#endif  // KEYWARD_TESTS_KEYSTORE_MODULES_PRIVATE_MOUNTS_H_
