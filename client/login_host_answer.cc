#include "client/login_host_answer.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "common/error.h"

namespace keyward::client {
namespace {

using Json = nlohmann::json;

constexpr absl::Duration kShortestDelay = absl::Seconds(1);
constexpr absl::Duration kLongestDelay = absl::Hours(1);

}  // namespace

std::optional<Json> ParseAnswer(absl::string_view text) {
  std::set<std::string> names;
  bool refused = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    const bool begins =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (begins && depth >= kMaxAnswerDepth) {
      refused = true;
      // Nothing of it is kept.
      return false;
    }
    if (event == Json::parse_event_t::key && depth == 1) {
      refused |= !names.insert(parsed.get<std::string>()).second;
    }
    return true;
  };
  Json json = Json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (refused || json.is_discarded()) return std::nullopt;
  return json;
}

absl::Status WithRetryAfter(absl::Status status, const HttpsAnswer& answer) {
  if (!answer.retry_after || status.code() != absl::StatusCode::kUnavailable) return status;
  const absl::Duration delay = std::clamp(*answer.retry_after, kShortestDelay, kLongestDelay);
  return WithRetryDelay(std::move(status), delay);
}

}  // namespace keyward::client
