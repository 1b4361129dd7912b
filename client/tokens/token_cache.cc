#include "client/tokens/token_cache.h"

#include <algorithm>
#include <utility>

namespace keyward::client {

CacheEntry* TokenCache::Find(absl::string_view connection, absl::string_view subject) const {
  if (subject.empty()) {
    const auto found = defaults_.find(connection);
    return found == defaults_.end() ? nullptr : *found;
  }
  const auto found = entries_.find(Name(connection, subject));
  return found == entries_.end() ? nullptr : found->get();
}

CacheEntry* TokenCache::FindOrAdd(absl::string_view connection, absl::string_view subject) {
  const auto found = entries_.find(Name(connection, subject));
  if (found != entries_.end()) return found->get();
  if (!MakeRoom()) return nullptr;
  auto added = std::make_unique<CacheEntry>();
  CacheEntry* const entry = added.get();
  entry->connection = std::string(connection);
  entry->subject = std::string(subject);
  by_age_.push_front(entry);
  entry->age = by_age_.begin();
  entries_.insert(std::move(added));
  return entry;
}

bool TokenCache::MakeRoom() {
  if (entries_.size() < max_entries_) return true;
  const auto oldest = std::find_if(by_age_.rbegin(), by_age_.rend(),
                                   [](const CacheEntry* entry) { return !entry->flight; });
  if (oldest == by_age_.rend()) return false;
  Remove(**oldest);
  return true;
}

void TokenCache::SetDefault(CacheEntry& entry, bool is_default) {
  const auto former = defaults_.find(absl::string_view(entry.connection));
  if (former != defaults_.end() && (is_default || *former == &entry)) {
    (*former)->is_default = false;
    defaults_.erase(former);
  }
  if (is_default) defaults_.insert(&entry);
  entry.is_default = is_default;
}

void TokenCache::SetToken(CacheEntry& entry, std::shared_ptr<const CachedToken> token) {
  if (entry.token != nullptr) --tokens_;
  if (token != nullptr) ++tokens_;
  entry.token = std::move(token);
}

void TokenCache::Touch(CacheEntry& entry) {
  if (entry.age != by_age_.begin()) by_age_.splice(by_age_.begin(), by_age_, entry.age);
}

void TokenCache::SetDue(CacheEntry& entry, absl::Time due) {
  if (entry.due == due) return;
  if (entry.due != absl::InfiniteFuture()) by_due_.erase({entry.due, &entry});
  if (due != absl::InfiniteFuture()) by_due_.insert({due, &entry});
  entry.due = due;
}

absl::Time TokenCache::NextDue() const {
  return by_due_.empty() ? absl::InfiniteFuture() : by_due_.begin()->first;
}

CacheEntry* TokenCache::TakeDue(absl::Time now) {
  if (NextDue() > now) return nullptr;
  CacheEntry* const entry = by_due_.begin()->second;
  SetDue(*entry, absl::InfiniteFuture());
  return entry;
}

void TokenCache::Remove(CacheEntry& entry) {
  SetDue(entry, absl::InfiniteFuture());
  SetToken(entry, nullptr);
  if (entry.is_default) SetDefault(entry, false);
  by_age_.erase(entry.age);
  entries_.erase(entries_.find(Name(entry.connection, entry.subject)));
}

}  // namespace keyward::client
