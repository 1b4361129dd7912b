// A directory of a test's own, removed with everything in it at the end.
#ifndef KEYWARD_TESTS_TESTING_TEMP_DIR_H_
#define KEYWARD_TESTS_TESTING_TEMP_DIR_H_

#include <string>

#include "absl/strings/string_view.h"

namespace keyward::testing {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // path() + "/" + `name`.
  std::string File(absl::string_view name) const;

 private:
  std::string path_;
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_TESTING_TEMP_DIR_H_
