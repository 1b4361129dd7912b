#include "tests/standin/faults.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status_macros.h"
#include "tests/standin/json_fields.h"

namespace keyward::standin {
namespace {

using nlohmann::json;

constexpr std::array<absl::string_view, 8> kKinds = {
    "latency", "status", "reset", "truncate", "oversize", "malformed", "content_type", "redirect"};
constexpr int kMaxMilliseconds = 600'000;
constexpr int64_t kMaxBytes = int64_t{64} << 20;

// What a kind needs and was not said.
void FillIn(Fault& fault) {
  if (fault.kind == "latency" || fault.kind == "truncate" || fault.kind == "content_type") {
    fault.processed = true;
  }
  if (fault.status == 0) {
    fault.status = fault.kind == "redirect" ? 302 : fault.kind == "status" ? 503 : 200;
  }
  if (fault.kind == "content_type" && fault.content_type.empty()) fault.content_type = "text/html";
  if (fault.kind == "oversize" && fault.bytes == 0) fault.bytes = int64_t{2} << 20;
  if (fault.kind == "redirect" && fault.location.empty()) fault.location = "https://127.0.0.1:1/";
}

}  // namespace

absl::StatusOr<Fault> ParseFault(const json& fields) {
  Fault fault;
  int milliseconds = 0;
  JsonFields reader(fields);
  reader.Read("endpoint", fault.endpoint);
  reader.Read("kind", fault.kind);
  reader.Read("count", fault.remaining, 0, 1'000'000);
  reader.Read("milliseconds", milliseconds, 0, kMaxMilliseconds);
  reader.Read("status", fault.status, 200, 599);
  reader.Read("retry_after", fault.retry_after);
  reader.Read("body", fault.body, size_t{32} << 10);
  reader.Read("content_type", fault.content_type);
  reader.Read("location", fault.location);
  reader.Read("bytes", fault.bytes, 0, kMaxBytes);
  reader.Read("processed", fault.processed);
  RETURN_IF_ERROR(reader.Done());
  if (std::find(kKinds.begin(), kKinds.end(), fault.kind) == kKinds.end()) {
    return BadRequest(absl::StrCat("kind must be one of ", absl::StrJoin(kKinds, ", ")));
  }
  for (const std::string& header : {fault.retry_after, fault.content_type, fault.location}) {
    if (header.find_first_of("\r\n") != std::string::npos) {
      return BadRequest("a header is one line");
    }
  }
  fault.latency = absl::Milliseconds(milliseconds);
  FillIn(fault);
  return fault;
}

json ToJson(const Fault& fault) {
  return {{"id", fault.id},
          {"endpoint", fault.endpoint},
          {"kind", fault.kind},
          {"count", fault.remaining},
          {"milliseconds", absl::ToInt64Milliseconds(fault.latency)},
          {"status", fault.status},
          {"retry_after", fault.retry_after},
          {"content_type", fault.content_type},
          {"location", fault.location},
          {"bytes", fault.bytes},
          {"processed", fault.processed}};
}

int64_t Faults::Add(Fault fault) {
  MutexLock lock(&mutex_);
  if (faults_.size() == kMaxFaults) faults_.erase(faults_.begin());
  fault.id = ++last_id_;
  faults_.push_back(std::move(fault));
  return last_id_;
}

std::optional<Fault> Faults::Take(absl::string_view endpoint) {
  MutexLock lock(&mutex_);
  const auto found = std::find_if(faults_.begin(), faults_.end(), [&](const Fault& one) {
    return one.endpoint == "*" || one.endpoint == endpoint;
  });
  if (found == faults_.end()) return std::nullopt;
  Fault fault = *found;
  if (found->remaining == 1) {
    faults_.erase(found);
  } else if (found->remaining > 1) {
    --found->remaining;
  }
  return fault;
}

std::vector<Fault> Faults::Ordered() const {
  MutexLock lock(&mutex_);
  return faults_;
}

void Faults::Clear() {
  MutexLock lock(&mutex_);
  faults_.clear();
}

void Faults::Wait(absl::Duration duration) {
  MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_; }, duration);
}

void Faults::EndWaits() {
  MutexLock lock(&mutex_);
  stopping_ = true;
}

}  // namespace keyward::standin
