#include "common/error.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/utf8.h"

namespace keyward {
namespace {

constexpr char kReasonUrl[] = "keyward/reason";
constexpr char kRetryDelayUrl[] = "keyward/retry-delay-ms";
// Followed by the key.
constexpr char kMetadataUrl[] = "keyward/metadata/";

bool IsMetadataKey(absl::string_view key) {
  return !key.empty() && key.size() <= kMaxMetadataKeyBytes &&
         std::all_of(key.begin(), key.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

// `value` as UTF-8 of at most kMaxMetadataValueBytes.
std::string MetadataValue(absl::string_view value) {
  std::string fitting = IsValidUtf8(value) ? std::string(value) : Shown(value, value.size());
  if (fitting.size() <= kMaxMetadataValueBytes) return fitting;
  fitting.resize(kMaxMetadataValueBytes);
  // Not in the middle of a character.
  while (!IsValidUtf8(fitting)) fitting.pop_back();
  return fitting;
}

}  // namespace

absl::Status Error(absl::StatusCode code, absl::string_view reason, absl::string_view message) {
  absl::Status status(code, message);
  status.SetPayload(kReasonUrl, absl::Cord(reason));
  return status;
}

std::optional<std::string> ReasonOf(const absl::Status& status) {
  auto payload = status.GetPayload(kReasonUrl);
  if (!payload) return std::nullopt;
  return std::string(*payload);
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  status.SetPayload(kRetryDelayUrl, absl::Cord(absl::StrCat(absl::ToInt64Milliseconds(delay))));
  return status;
}

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  auto payload = status.GetPayload(kRetryDelayUrl);
  int64_t milliseconds = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &milliseconds)) return std::nullopt;
  return absl::Milliseconds(milliseconds);
}

absl::Status WithMetadata(absl::Status status, absl::string_view key, absl::string_view value) {
  if (status.ok() || !IsMetadataKey(key)) return status;
  const std::string url = absl::StrCat(kMetadataUrl, key);
  const bool is_new = !status.GetPayload(url).has_value();
  if (is_new && MetadataOf(status).size() >= kMaxMetadataEntries) return status;
  status.SetPayload(url, absl::Cord(MetadataValue(value)));
  return status;
}

std::map<std::string, std::string> MetadataOf(const absl::Status& status) {
  std::map<std::string, std::string> metadata;
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    if (absl::ConsumePrefix(&url, kMetadataUrl)) {
      metadata.emplace(std::string(url), std::string(payload));
    }
  });
  return metadata;
}

absl::Status Annotate(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  absl::Status annotated(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    annotated.SetPayload(url, payload);
  });
  return annotated;
}

}  // namespace keyward
