// Reading what a login host, or the API behind it, answers. Internal to the client
// library.
#ifndef KEYWARD_CLIENT_LOGIN_HOST_ANSWER_H_
#define KEYWARD_CLIENT_LOGIN_HOST_ANSWER_H_

#include <nlohmann/json.hpp>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/https/https_client.h"

namespace keyward::client {

// Levels of objects and arrays within each other that an answer may have. Salesforce's
// have three; what is made of thousands would have whoever copies it run out of stack.
inline constexpr int kMaxAnswerDepth = 32;

// The JSON text (RFC 8259) that `text` is; nothing where it is none, is deeper than
// kMaxAnswerDepth, or is an object with a name twice (section 4 there leaves open which
// one would count).
std::optional<nlohmann::json> ParseAnswer(absl::string_view text);

// `status` with when to come back, where it is UNAVAILABLE and `answer` says when: 1 s to
// 1 h, against a host's slip, which would be at once or never.
absl::Status WithRetryAfter(absl::Status status, const HttpsAnswer& answer);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_LOGIN_HOST_ANSWER_H_
