#include "tests/e2e/monitoring_page.h"

#include <httplib.h>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace keyward::e2e {

std::string MonitoringUrl(testing::SignerProcess& signer) {
  constexpr char kStarted[] = "monitoring on ";
  const std::string output = signer.daemon().Output();
  const size_t at = output.rfind(kStarted);
  if (at == std::string::npos) return "";
  const std::string url = output.substr(at + std::string(kStarted).size());
  return url.substr(0, url.find('\n'));
}

Page Get(testing::SignerProcess& signer, const std::string& path) {
  const std::string url = MonitoringUrl(signer);
  if (url.empty()) return {};
  httplib::Client client(url);
  const httplib::Result result = client.Get(path);
  return result ? Page{result->status, result->body} : Page{};
}

std::vector<std::string> Series(testing::SignerProcess& signer, absl::string_view name,
                                bool zeros) {
  std::vector<std::string> series;
  const std::string text = Get(signer, "/metrics").body;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (absl::StartsWith(line, name) && (zeros || !absl::EndsWith(line, " 0"))) {
      series.emplace_back(line);
    }
  }
  return series;
}

}  // namespace keyward::e2e
