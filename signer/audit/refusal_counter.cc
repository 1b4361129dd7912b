#include "signer/audit/refusal_counter.h"

#include <algorithm>
#include <utility>

namespace keyward::signer {

std::optional<AuditRecord> RefusalCounter::Add(AuditRecord record, Clock::time_point now) {
  auto found = windows_.find(record.identity);
  // A second that is over, whose records nobody has taken yet, goes on until somebody does.
  if (found == windows_.end()) {
    if (windows_.size() >= kMaxIdentities || kinds_ >= kMaxKinds) {
      if (!others_) next_due_ = std::min(next_due_, others_end_ = now + kWindow);
      CountVarious(others_, record);
      return std::nullopt;
    }
    found = windows_.emplace(record.identity, Window{.end = now + kWindow}).first;
    next_due_ = std::min(next_due_, now + kWindow);
  }
  Window& window = found->second;
  for (Kind& kind : window.kinds) {
    if (kind.method != record.method || kind.connection != record.connection ||
        kind.reason != record.refusal) {
      continue;
    }
    Count(kind, record.time);
    return std::nullopt;
  }
  if (window.kinds.size() >= kKindsOfIdentity || kinds_ >= kMaxKinds) {
    CountVarious(window.various, record);
    return std::nullopt;
  }
  window.kinds.push_back({.method = record.method,
                          .connection = record.connection,
                          .reason = record.refusal,
                          .role = record.role});
  ++kinds_;
  return record;
}

void RefusalCounter::Count(Kind& kind, absl::Time time) {
  if (kind.count++ == 0) kind.first = time;
  kind.last = time;
}

void RefusalCounter::CountVarious(std::optional<Kind>& various, const AuditRecord& record) {
  if (!various) various = Kind{.method = record.method, .reason = kVariousReason};
  if (various->method != record.method) various->method = kVariousMethod;
  Count(*various, record.time);
}

std::vector<AuditRecord> RefusalCounter::TakeDue(Clock::time_point now) {
  std::vector<AuditRecord> records;
  if (next_due_ > now) return records;
  next_due_ = Clock::time_point::max();
  for (auto it = windows_.begin(); it != windows_.end();) {
    if (it->second.end > now) {
      next_due_ = std::min(next_due_, it->second.end);
      ++it;
      continue;
    }
    Take(it->first, it->second, records);
    windows_.erase(it++);
  }
  if (others_ && others_end_ <= now) {
    Window window{.various = std::exchange(others_, std::nullopt)};
    Take("", window, records);
  } else if (others_) {
    next_due_ = std::min(next_due_, others_end_);
  }
  std::sort(records.begin(), records.end(),
            [](const AuditRecord& a, const AuditRecord& b) { return a.time < b.time; });
  return records;
}

std::vector<AuditRecord> RefusalCounter::TakeAll() { return TakeDue(Clock::time_point::max()); }

void RefusalCounter::Take(const std::string& identity, Window& window,
                          std::vector<AuditRecord>& records) {
  kinds_ -= window.kinds.size();
  if (window.various) window.kinds.push_back(*std::move(window.various));
  for (Kind& kind : window.kinds) {
    if (kind.count == 0) continue;
    AuditRecord record{.time = kind.first,
                       .identity = identity,
                       .method = std::move(kind.method),
                       .connection = std::move(kind.connection),
                       .role = std::move(kind.role),
                       .refusal = std::move(kind.reason),
                       .count = kind.count};
    if (kind.count > 1) record.last_time = kind.last;
    records.push_back(std::move(record));
  }
}

std::optional<RefusalCounter::Clock::time_point> RefusalCounter::next_due() const {
  if (windows_.empty() && !others_) return std::nullopt;
  return next_due_;
}

}  // namespace keyward::signer
