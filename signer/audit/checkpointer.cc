#include "signer/audit/checkpointer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/time/clock.h"

namespace keyward::signer {
namespace {

constexpr absl::Duration kSignTime = absl::Seconds(10);
constexpr absl::Duration kFirstRetry = absl::Seconds(1);
constexpr absl::Duration kLongestRetry = absl::Minutes(1);

absl::Duration RetryDelay(int failures) {
  return std::min(kFirstRetry * (int64_t{1} << std::min(failures - 1, 10)), kLongestRetry);
}

}  // namespace

Checkpointer::Checkpointer(Options options, uint64_t vouched)
    : options_(std::move(options)), signed_(vouched), thread_([this] { Run(); }) {}

Checkpointer::~Checkpointer() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void Checkpointer::SetSigner(CheckpointSigner sign) {
  MutexLock lock(&mutex_);
  sign_ = std::move(sign);
  changed_ = true;
}

void Checkpointer::SetKeeper(AnchorKeeper keep) {
  MutexLock lock(&mutex_);
  keep_ = std::move(keep);
}

void Checkpointer::KeepAnchor(const ChainLink& last) {
  MutexLock lock(&mutex_);
  if (keep_ != nullptr) anchor_ = last;
}

bool Checkpointer::has_signer() const {
  MutexLock lock(&mutex_);
  return sign_ != nullptr;
}

void Checkpointer::Observe(const ChainLink& last, bool has_unvouched) {
  MutexLock lock(&mutex_);
  last_ = last;
  // The thread is woken where it would otherwise wait too long, not for each group.
  if (!has_unvouched) {
    unvouched_since_.reset();
  } else if (!unvouched_since_) {
    unvouched_since_ = Clock::now();
    changed_ = true;
  }
  if (last.sequence >= signed_ + options_.records) changed_ = true;
}

absl::StatusOr<Checkpoint> Checkpointer::SignNow(absl::Duration patience) {
  MutexLock lock(&mutex_);
  if (sign_ == nullptr) return absl::FailedPreconditionError("there is no audit key yet");
  urgent_outcome_.reset();
  urgent_deadline_ = absl::Now() + patience;
  const auto is_signed = [this]()
                             ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !!urgent_outcome_; };
  const bool in_time = mutex_.AwaitWithTimeout(is_signed, patience);
  urgent_deadline_.reset();
  if (!in_time) return absl::DeadlineExceededError("the audit key did not sign in time");
  return *std::exchange(urgent_outcome_, std::nullopt);
}

std::optional<absl::Duration> Checkpointer::UntilDue() const {
  if (sign_ == nullptr) return std::nullopt;
  if (urgent_deadline_ && !urgent_outcome_) return absl::ZeroDuration();
  if (!unvouched_since_ || last_.sequence <= signed_) return std::nullopt;
  const Clock::time_point now = Clock::now();
  const bool enough = last_.sequence - signed_ >= options_.records;
  const absl::Duration due =
      enough ? absl::ZeroDuration() : options_.interval - absl::FromChrono(now - *unvouched_since_);
  return std::max(due, absl::FromChrono(not_before_ - now));
}

void Checkpointer::Run() {
  MutexLock lock(&mutex_);
  while (!stopping_ || anchor_) {
    if (anchor_) {
      KeepWaitingAnchor();
      continue;
    }
    const std::optional<absl::Duration> until_due = UntilDue();
    if (!until_due || *until_due > absl::ZeroDuration()) {
      changed_ = false;
      const auto has_news = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return stopping_ || changed_ || anchor_ || (urgent_deadline_ && !urgent_outcome_);
      };
      mutex_.AwaitWithTimeout(has_news, until_due.value_or(absl::InfiniteDuration()));
      continue;
    }
    const ChainLink link = last_;
    const bool urgent = urgent_deadline_.has_value();
    const absl::Time deadline = urgent_deadline_.value_or(absl::Now() + kSignTime);
    const Clock::time_point start = Clock::now();
    const CheckpointSigner sign = sign_;
    mutex_.Unlock();
    absl::StatusOr<Checkpoint> outcome = Sign(sign, link, deadline);
    mutex_.Lock();
    NoteOutcome(outcome.status(), link.sequence, start);
    if (urgent && urgent_deadline_) {
      urgent_outcome_ = std::move(outcome);
    } else if (outcome.ok()) {
      mutex_.Unlock();
      options_.append(*std::move(outcome));
      mutex_.Lock();
    }
  }
}

void Checkpointer::KeepWaitingAnchor() {
  const ChainLink link = *std::exchange(anchor_, std::nullopt);
  const AnchorKeeper keep = keep_;
  mutex_.Unlock();
  const absl::Status kept = keep(link);
  mutex_.Lock();
  if (!kept.ok() && !keeping_fails_) {
    spdlog::error("audit: cannot note in the registry where the log stands: {}",
                  std::string(kept.message()));
  } else if (kept.ok() && keeping_fails_) {
    spdlog::info("audit: the registry notes again where the log stands");
  }
  keeping_fails_ = !kept.ok();
}

absl::StatusOr<Checkpoint> Checkpointer::Sign(const CheckpointSigner& sign, const ChainLink& link,
                                              absl::Time deadline) {
  Checkpoint checkpoint{.link = link};
  AppendAuditTime(absl::Now(), checkpoint.time);
  absl::StatusOr<CheckpointSignature> signature =
      sign(CheckpointStatement(link, checkpoint.time), deadline);
  if (!signature.ok()) return signature.status();
  checkpoint.key_version = signature->key_version;
  checkpoint.kid = std::move(signature->kid);
  checkpoint.signature = absl::WebSafeBase64Escape(signature->signature);
  return checkpoint;
}

void Checkpointer::NoteOutcome(const absl::Status& outcome, uint64_t sequence,
                               Clock::time_point start) {
  if (!outcome.ok()) {
    not_before_ = Clock::now() + absl::ToChronoNanoseconds(RetryDelay(++failures_));
    if (failures_ == 1) {
      spdlog::warn("audit: the audit key does not sign, so the log goes on without checkpoints: {}",
                   std::string(outcome.message()));
    }
    return;
  }
  if (failures_ > 0) spdlog::info("audit: the audit key signs again");
  failures_ = 0;
  not_before_ = {};
  signed_ = std::max(signed_, sequence);
  // What came meanwhile waits since the signing began, at most.
  unvouched_since_ = last_.sequence > sequence ? std::optional(start) : std::nullopt;
}

}  // namespace keyward::signer
