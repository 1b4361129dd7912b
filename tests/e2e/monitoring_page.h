// The pages of a signer's monitoring address.
#ifndef KEYWARD_TESTS_E2E_MONITORING_PAGE_H_
#define KEYWARD_TESTS_E2E_MONITORING_PAGE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/testing/signer_process.h"

namespace keyward::e2e {

// Settings for signer.yaml.
inline constexpr char kMonitoring[] = "monitoring:\n  listen: 127.0.0.1:0\n";

struct Page {
  int status = 0;
  std::string body;
};

// "http://127.0.0.1:PORT" that `signer` has logged last; empty where it has not.
std::string MonitoringUrl(testing::SignerProcess& signer);

// GET of a page there.
Page Get(testing::SignerProcess& signer, const std::string& path);

// The lines of /metrics that are values and begin with `name`; those of value 0 only
// where `zeros` wants them.
std::vector<std::string> Series(testing::SignerProcess& signer, absl::string_view name,
                                bool zeros = true);

}  // namespace keyward::e2e

#endif  // KEYWARD_TESTS_E2E_MONITORING_PAGE_H_
