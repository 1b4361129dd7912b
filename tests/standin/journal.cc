#include "tests/standin/journal.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace keyward::standin {
namespace {

// Half a UTF-8 sequence could not be written as JSON.
void Cut(std::string& text) {
  if (text.size() <= Journal::kMaxTextBytes) return;
  size_t end = Journal::kMaxTextBytes;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
}

bool Fits(const JournalEntry& entry, const JournalFilter& filter) {
  return (filter.endpoint.empty() || filter.endpoint == entry.endpoint) &&
         (filter.issuer.empty() || filter.issuer == entry.issuer) &&
         (filter.subject.empty() || filter.subject == entry.subject) &&
         absl::StartsWith(OutcomeOf(entry), filter.outcome) &&
         (!filter.server.has_value() || *filter.server == entry.server) &&
         entry.sequence > filter.after_sequence;
}

}  // namespace

std::string OutcomeOf(const JournalEntry& entry) {
  if (!entry.fault.empty()) return absl::StrCat("fault: ", entry.fault);
  if (entry.status < 400) return "ok";
  return absl::StrCat(entry.error, ": ", entry.description);
}

nlohmann::json ToJson(const JournalEntry& entry) {
  return {{"sequence", entry.sequence},
          {"time", absl::FormatTime(entry.time, absl::UTCTimeZone())},
          {"method", entry.method},
          {"endpoint", entry.endpoint},
          {"iss", entry.issuer},
          {"sub", entry.subject},
          {"aud", entry.audience},
          {"kid", entry.key_id},
          {"expires_in", entry.expires_in ? nlohmann::json(*entry.expires_in) : nullptr},
          {"status", entry.status},
          {"error", entry.error},
          {"description", entry.description},
          {"outcome", OutcomeOf(entry)},
          {"server", entry.server},
          {"remote_port", entry.remote_port},
          {"connection", entry.connection},
          {"request_on_connection", entry.request_on_connection},
          {"tls_resumed", entry.tls_resumed},
          {"user_agent", entry.user_agent}};
}

void Journal::Add(JournalEntry entry) {
  for (std::string* text :
       {&entry.issuer, &entry.subject, &entry.audience, &entry.key_id, &entry.user_agent}) {
    Cut(*text);
  }
  MutexLock lock(&mutex_);
  entry.sequence = ++last_sequence_;
  ++counts_[entry.endpoint][OutcomeOf(entry)];
  if (entries_.size() == kMaxEntries) entries_.pop_front();
  entries_.push_back(std::move(entry));
}

std::vector<JournalEntry> Journal::Entries(const JournalFilter& filter) const {
  MutexLock lock(&mutex_);
  std::vector<JournalEntry> found;
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && found.size() < filter.limit;
       ++entry) {
    if (Fits(*entry, filter)) found.push_back(*entry);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

Journal::Counts Journal::Summary() const {
  MutexLock lock(&mutex_);
  return counts_;
}

void Journal::Clear() {
  MutexLock lock(&mutex_);
  entries_.clear();
  counts_.clear();
}

}  // namespace keyward::standin
