#include "signer/audit/forwarding_sink.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::signer {
namespace {

// Lines that are sent before the queue is looked at again. What did not all arrive is sent
// anew from its first line.
constexpr size_t kBatch = 100;

// At most one line in the log in this time for what is dropped.
constexpr absl::Duration kTellInterval = absl::Seconds(10);

constexpr absl::Duration kGoodbye = absl::Seconds(2);

absl::Status NotForwarded(absl::string_view target) {
  return Error(absl::StatusCode::kUnavailable, "AUDIT_FORWARD_UNAVAILABLE",
               absl::StrCat("audit.forward is required and ", target,
                            " does not take the records, so nothing is signed; ask the operator "
                            "to look at the signer's log"));
}

}  // namespace

ForwardingSink::ForwardingSink(ForwardingOptions options, ConnectAuditTransport connect)
    : options_(std::move(options)),
      connect_(std::move(connect)),
      retry_(options_.first_retry),
      thread_([this] { Run(); }) {}

ForwardingSink::~ForwardingSink() {
  {
    MutexLock lock(&mutex_);
    closing_ = true;
    last_moment_ = absl::Now() + kGoodbye;
  }
  thread_.join();
}

absl::Status ForwardingSink::Deliver(absl::Span<const std::string> lines) {
  if (lines.empty()) return absl::OkStatus();
  const absl::Time deadline = absl::Now() + options_.timeout;
  MutexLock lock(&mutex_);
  const uint64_t first = queued_;
  for (const std::string& line : lines) {
    if (queue_.size() >= options_.queue) {
      ++dropped_;
    } else {
      queue_.emplace_back(absl::StripSuffix(line, "\n"));
      ++queued_;
    }
  }
  if (!options_.required) return absl::OkStatus();
  // Without a connection there is nothing to wait for. One that breaks may be back in
  // time.
  if (!connected_) return NotForwarded(options_.target);
  const uint64_t mine = queued_;
  const auto is_decided = [this, mine]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return done_ >= mine || closing_;
  };
  mutex_.AwaitWithDeadline(is_decided, deadline);
  const bool all_sent = mine - first == lines.size() && done_ >= mine && last_unsent_ <= first;
  return all_sent ? absl::OkStatus() : NotForwarded(options_.target);
}

absl::Status ForwardingSink::CheckReady() const {
  MutexLock lock(&mutex_);
  return !options_.required || connected_ ? absl::OkStatus() : NotForwarded(options_.target);
}

bool ForwardingSink::AwaitConnected(absl::Time deadline) const {
  MutexLock lock(&mutex_);
  const auto is_connected = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return connected_; };
  return mutex_.AwaitWithDeadline(is_connected, deadline);
}

ForwardStats ForwardingSink::stats() const {
  MutexLock lock(&mutex_);
  return {.connected = connected_, .dropped = dropped_};
}

void ForwardingSink::Run() {
  for (;;) {
    if (transport_ == nullptr && !Connect()) {
      TellDropped(/*now=*/false);
      if (!SleepUnlessClosing(retry_)) break;
      retry_ = std::min(retry_ * 2, options_.last_retry);
      continue;
    }
    Work();
    TellDropped(/*now=*/false);
    MutexLock lock(&mutex_);
    if (closing_ && (queue_.empty() || !connected_ || absl::Now() >= last_moment_)) break;
  }
  {
    MutexLock lock(&mutex_);
    Drop(queue_.size());
    connected_ = false;
  }
  TellDropped(/*now=*/true);
}

bool ForwardingSink::Connect() {
  absl::StatusOr<std::unique_ptr<AuditTransport>> transport =
      connect_(absl::Now() + options_.timeout);
  if (!transport.ok()) {
    // Once for each time that the connection is gone, not for each try.
    if (!told_failure_) {
      spdlog::warn("audit: cannot forward to {}: {}; trying again", options_.target,
                   std::string(transport.status().message()));
    }
    told_failure_ = true;
    return false;
  }
  transport_ = *std::move(transport);
  told_failure_ = false;
  spdlog::info("audit: forwarding to {}", options_.target);
  MutexLock lock(&mutex_);
  connected_ = true;
  return true;
}

// Sends what there is, or finds out whether the connection still stands.
void ForwardingSink::Work() {
  const std::vector<std::string> batch = NextBatch();
  absl::Status status = transport_->CheckAlive();
  size_t refused = 0;
  if (status.ok()) status = SendBatch(batch, refused);
  if (!status.ok()) return Disconnect(status);
  // It works; one that only takes connections is not tried faster and faster.
  if (!batch.empty()) retry_ = options_.first_retry;
  MutexLock lock(&mutex_);
  const auto size = static_cast<std::ptrdiff_t>(batch.size());
  queue_.erase(queue_.begin(), queue_.begin() + size);
  done_ += batch.size();
  if (refused > 0) last_unsent_ = done_;
  dropped_ += refused;
}

// Copies, for all of it is sent anew where the connection breaks.
std::vector<std::string> ForwardingSink::NextBatch() {
  MutexLock lock(&mutex_);
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return closing_ || !queue_.empty();
  };
  mutex_.AwaitWithTimeout(has_work, options_.idle_check);
  const auto size = static_cast<std::ptrdiff_t>(std::min(queue_.size(), kBatch));
  return {queue_.begin(), queue_.begin() + size};
}

absl::Status ForwardingSink::SendBatch(const std::vector<std::string>& batch, size_t& refused) {
  const absl::Time deadline = absl::Now() + options_.timeout;
  for (const std::string& line : batch) {
    const absl::Status status = transport_->Send(line, deadline);
    if (absl::IsInvalidArgument(status)) {
      spdlog::error("audit: {} cannot be given a record of {} bytes: {}", options_.target,
                    line.size(), std::string(status.message()));
      ++refused;
    } else if (!status.ok()) {
      return status;
    }
  }
  return transport_->Flush(deadline);
}

void ForwardingSink::Disconnect(const absl::Status& why) {
  spdlog::warn("audit: lost the connection to {}: {}; connecting again", options_.target,
               std::string(why.message()));
  transport_.reset();
  {
    MutexLock lock(&mutex_);
    connected_ = false;
  }
  // Not at once: a server that takes connections and ends them would be asked without end.
  if (SleepUnlessClosing(retry_)) retry_ = std::min(retry_ * 2, options_.last_retry);
}

void ForwardingSink::Drop(size_t count) {
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
  done_ += count;
  dropped_ += count;
  if (count > 0) last_unsent_ = done_;
}

bool ForwardingSink::SleepUnlessClosing(absl::Duration time) {
  MutexLock lock(&mutex_);
  const auto is_closing = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return closing_; };
  return !mutex_.AwaitWithTimeout(is_closing, time);
}

void ForwardingSink::TellDropped(bool now) {
  const uint64_t dropped = stats().dropped;
  if (dropped == told_dropped_) return;
  if (!now && absl::Now() - last_told_dropped_ < kTellInterval) return;
  spdlog::error("audit: {} records were not forwarded to {}; they are in the file",
                dropped - told_dropped_, options_.target);
  told_dropped_ = dropped;
  last_told_dropped_ = absl::Now();
}

}  // namespace keyward::signer
