// Any bytes as claims: a decision, never a crash, and what is accepted is what the connection
// may say.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/error.h"
#include "signer/claims_policy.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* settings = [] {
    auto* made = new keyward::registry::ConnectionSettings;
    made->consumer_key = "KEY";
    made->subjects = {"u@x"};
    made->subject_patterns = {"w*@x"};
    made->audiences = {"https://a"};
    return made;
  }();
  const absl::Time now = absl::FromUnixSeconds(1800000000);
  const auto accepted = keyward::signer::CheckClaims(
      {reinterpret_cast<const char*>(data), size}, *settings, now,
      {.max_lifetime = absl::Seconds(300), .clock_skew = absl::Seconds(60)});
  if (!accepted.ok()) {
    if (!keyward::ReasonOf(accepted.status())) abort();
    return 0;
  }
  const std::string& sub = accepted->sub;
  const bool fits = sub.size() > 3 && sub.front() == 'w' && sub.find('@') == sub.size() - 2;
  if (sub != "u@x" && !fits) abort();
  if (accepted->aud != "https://a") abort();
  if (accepted->exp <= now || accepted->exp > now + absl::Seconds(300)) abort();
  return 0;
}
