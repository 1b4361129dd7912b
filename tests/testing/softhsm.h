// A SoftHSM2 token directory of a test's own.
#ifndef KEYWARD_TESTS_TESTING_SOFTHSM_H_
#define KEYWARD_TESTS_TESTING_SOFTHSM_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tests/testing/temp_dir.h"

namespace keyward::testing {

inline constexpr char kSoftHsmModule[] = "/usr/lib/softhsm/libsofthsm2.so";
inline constexpr char kUserPin[] = "648219-user";
inline constexpr char kSoPin[] = "937105-so";

// While it lives, SOFTHSM2_CONF of this process names its configuration, so
// modules loaded here and children started here see its tokens. One at a time.
class SoftHsm {
 public:
  SoftHsm();
  ~SoftHsm();
  SoftHsm(const SoftHsm&) = delete;
  SoftHsm& operator=(const SoftHsm&) = delete;

  // Initialises a token with kUserPin and kSoPin.
  void InitToken(absl::string_view label) const;

  // Path of the configuration: what SOFTHSM2_CONF is set to.
  std::string config() const { return dir_.File("softhsm2.conf"); }
  // Where the tokens lie.
  std::string token_dir() const { return dir_.File("tokens"); }

 private:
  TempDir dir_;
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_TESTING_SOFTHSM_H_
