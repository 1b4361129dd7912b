#include "tests/testing/softhsm.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/testing/subprocess.h"

namespace keyward::testing {

SoftHsm::SoftHsm() {
  const bool made =
      mkdir(token_dir().c_str(), 0700) == 0 &&
      WriteFile(config(), absl::StrCat("directories.tokendir = ", token_dir(),
                                       "\nobjectstore.backend = file\nlog.level = ERROR\n"
                                       "slots.removable = false\n"))
          .ok() &&
      setenv("SOFTHSM2_CONF", config().c_str(), 1) == 0;
  if (!made) abort();
}

SoftHsm::~SoftHsm() { unsetenv("SOFTHSM2_CONF"); }

void SoftHsm::InitToken(absl::string_view label) const {
  const Finished finished = Run({"softhsm2-util", "--init-token", "--free", "--label",
                                 std::string(label), "--pin", kUserPin, "--so-pin", kSoPin});
  if (finished.exit_code != 0) {
    fprintf(stderr, "softhsm2-util: %s\n", finished.err.c_str());
    abort();
  }
}

}  // namespace keyward::testing
