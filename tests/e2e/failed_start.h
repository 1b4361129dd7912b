// Starts that must fail, and say what to change.
#ifndef KEYWARD_TESTS_E2E_FAILED_START_H_
#define KEYWARD_TESTS_E2E_FAILED_START_H_

#include <unistd.h>

#include <string>
#include <vector>

#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {

class FailedStartTest : public FaultySignerTest {
 protected:
  // Expects that a start ends with exit code 1, without serving, and that what it
  // says holds each of `words` and no PIN.
  void ExpectFailedStart(const std::vector<std::string>& words,
                         const testing::Environment& more = {}) const {
    testing::Environment all = environment();
    all.insert(more.begin(), more.end());
    Check(signer_.RunToEnd({}, all), words);
  }

  // The same for a daemon that file permissions hold back, as they do not root.
  void ExpectFailedStartWithoutPrivileges(const std::vector<std::string>& words) const {
    std::vector<std::string> argv;
    if (geteuid() == 0) {
      argv = {"setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"};
    }
    argv.insert(argv.end(),
                {testing::Binary("keyward-signer"), "--config", signer_.File("signer.yaml")});
    Check(testing::Run(argv, environment()), words);
  }

  // Replaces a part of signer.yaml.
  void Configure(absl::string_view from, absl::string_view to) const {
    signer_.Write("signer.yaml", testing::Replaced(ConfigText(), from, to));
  }

  // The settings are right again: the signer starts and stops.
  void ExpectGoodStart() {
    Start(environment());
    Stop();
  }

 private:
  std::string ConfigText() const;
  static void Check(const testing::Finished& finished, const std::vector<std::string>& words);
};

}  // namespace keyward::e2e

#endif  // KEYWARD_TESTS_E2E_FAILED_START_H_
