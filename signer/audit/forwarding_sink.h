// The sink of `audit.forward`: a queue, a thread, and a connection that comes back.
#ifndef KEYWARD_SIGNER_AUDIT_FORWARDING_SINK_H_
#define KEYWARD_SIGNER_AUDIT_FORWARDING_SINK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/mutex.h"
#include "signer/audit/audit_sink.h"
#include "signer/audit/audit_transport.h"
#include "signer/audit/sink_config.h"

namespace keyward::signer {

// A picture of the sink, for monitoring.
struct ForwardStats {
  bool connected = false;
  // Lines that the other side will never see.
  uint64_t dropped = 0;
};

struct ForwardingOptions {
  bool required = false;
  // Where to, for messages: "syslog logs.example:6514".
  std::string target;
  // Lines that wait; one more is dropped.
  size_t queue = 10000;
  // How long a connection may take, a line that is being sent, and Deliver().
  absl::Duration timeout = absl::Seconds(5);
  // Before the second try to connect; doubles up to the other with each that fails.
  absl::Duration first_retry = absl::Milliseconds(100);
  absl::Duration last_retry = absl::Seconds(10);
  // How often a connection over which nothing goes is looked at.
  absl::Duration idle_check = absl::Milliseconds(500);
};

// Connects again whenever a connection ends, and then sends anew what may not have
// arrived: the other side may see a line twice, which its sequence number tells, and never
// in another order. A line may be lost all the same where the other side breaks down after
// its system has taken it: none of the protocols acknowledges one. Lines beyond the queue
// are dropped, counted and logged; the missing numbers tell the other side.
//
// Thread-safe.
class ForwardingSink final : public AuditSink {
 public:
  ForwardingSink(ForwardingOptions options, ConnectAuditTransport connect);
  // Goes on sending what is queued for 2 seconds at most, where there is a connection; and
  // waits for a call that hangs, up to the timeout.
  ~ForwardingSink() override;
  ForwardingSink(const ForwardingSink&) = delete;
  ForwardingSink& operator=(const ForwardingSink&) = delete;

  absl::Status Deliver(absl::Span<const std::string> lines) override;
  absl::Status CheckReady() const override;

  // Returns once there is a connection, or at `deadline`; whether there is.
  bool AwaitConnected(absl::Time deadline) const;

  ForwardStats stats() const;

 private:
  void Run();
  bool Connect();
  void Work();
  std::vector<std::string> NextBatch();
  absl::Status SendBatch(const std::vector<std::string>& batch, size_t& refused);
  void Disconnect(const absl::Status& why);
  void Drop(size_t count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool SleepUnlessClosing(absl::Duration time);
  void TellDropped(bool now);

  const ForwardingOptions options_;
  const ConnectAuditTransport connect_;

  // Used by the thread only.
  std::unique_ptr<AuditTransport> transport_;
  absl::Duration retry_;
  bool told_failure_ = false;
  uint64_t told_dropped_ = 0;
  absl::Time last_told_dropped_ = absl::InfinitePast();

  mutable Mutex mutex_;
  std::deque<std::string> queue_ ABSL_GUARDED_BY(mutex_);
  // Lines that were queued, and those of them that are done with, sent or not.
  uint64_t queued_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t done_ ABSL_GUARDED_BY(mutex_) = 0;
  // The newest of those done with, in their count, that was not sent.
  uint64_t last_unsent_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  bool connected_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time last_moment_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  std::thread thread_;
};

// The sink that `config` describes; null for none. It connects in the background; a
// required one is waited for for up to its timeout. Errors: INVALID_ARGUMENT where a file
// of `config` has a mistake.
absl::StatusOr<std::shared_ptr<ForwardingSink>> NewAuditSink(const ForwardConfig& config);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_FORWARDING_SINK_H_
