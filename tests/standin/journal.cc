#include "tests/standin/journal.h"

#include <cstdint>
#include <utility>

namespace keyward::standin {
namespace {

// Half a UTF-8 sequence could not be written as JSON.
void Cut(std::string& text) {
  if (text.size() <= Journal::kMaxTextBytes) return;
  size_t end = Journal::kMaxTextBytes;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
}

}  // namespace

void Journal::Add(JournalEntry entry) {
  Cut(entry.issuer);
  Cut(entry.subject);
  MutexLock lock(&mutex_);
  if (entries_.size() == kMaxEntries) entries_.pop_front();
  entries_.push_back(std::move(entry));
}

std::vector<JournalEntry> Journal::Entries() const {
  MutexLock lock(&mutex_);
  return {entries_.begin(), entries_.end()};
}

}  // namespace keyward::standin
