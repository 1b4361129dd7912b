// The entries of the token cache: found by name, bounded, in the order in which they
// were used and in the order in which something is due. Internal to client/tokens.
#ifndef KEYWARD_CLIENT_TOKENS_TOKEN_CACHE_H_
#define KEYWARD_CLIENT_TOKENS_TOKEN_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/tokens/cached_token.h"

namespace keyward::client {

struct LoginFlight;

// There may be tens of thousands, so what only a login needs is in the LoginFlight.
struct CacheEntry {
  std::string connection;
  std::string subject;
  // May have ended, until it is looked at. Set by TokenCache::SetToken().
  std::shared_ptr<const CachedToken> token;
  // The login under way.
  std::shared_ptr<LoginFlight> flight;
  // The last login's failure, and how long it is remembered; OK after a success.
  absl::Status failure;
  absl::Time failure_until = absl::InfinitePast();
  // Failures in a row.
  uint16_t failures = 0;
  // The token before was rejected, and there is no new one yet.
  bool rejected = false;
  // Given out since the token was made.
  bool used = false;
  // The refresh has come due, but nobody had used the token: the next use begins it.
  bool refresh_when_used = false;
  // Whether FindDefault() finds it; TokenCache's own.
  bool is_default = false;
  // Hash of the etag of the connection's settings that were seen last, and of what the
  // token depends on in them.
  size_t settings = 0;
  size_t identity = 0;
  // When that was.
  absl::Time settings_seen = absl::InfinitePast();
  // They are about to be looked at.
  bool is_checked = false;
  // TokenCache's own.
  absl::Time due = absl::InfiniteFuture();
  std::list<CacheEntry*>::iterator age;
};

// Not thread-safe. Entries stay where they are in memory until they are removed.
class TokenCache {
 public:
  // `max_entries`: 1 or more.
  explicit TokenCache(size_t max_entries) : max_entries_(max_entries) {}

  // The entry of (connection, subject), without a subject the connection's default.
  // Null where there is none. Allocates nothing.
  CacheEntry* Find(absl::string_view connection, absl::string_view subject) const;

  // Where there is none it is added, and the entry that was used longest ago and is
  // not logging in makes room. Null where all are logging in.
  CacheEntry* FindOrAdd(absl::string_view connection, absl::string_view subject);

  // Makes `entry` its connection's default, or says that it is not any more.
  void SetDefault(CacheEntry& entry, bool is_default);

  // Null for none.
  void SetToken(CacheEntry& entry, std::shared_ptr<const CachedToken> token);

  // Now it is the one used last.
  void Touch(CacheEntry& entry);

  // Something is to be done about `entry` at `due`; the infinite future for nothing.
  // It replaces what was set before.
  void SetDue(CacheEntry& entry, absl::Time due);
  // The infinite future where there is nothing.
  absl::Time NextDue() const;
  // An entry due at `now`, nothing being due for it any more, or null.
  CacheEntry* TakeDue(absl::Time now);

  // Destroys it. It must not be logging in.
  void Remove(CacheEntry& entry);

  size_t size() const { return entries_.size(); }
  // How many have a token.
  size_t tokens() const { return tokens_; }

 private:
  using Name = std::pair<absl::string_view, absl::string_view>;
  using EntryPtr = std::unique_ptr<CacheEntry>;

  static Name NameOf(const Name& name) { return name; }
  static Name NameOf(const EntryPtr& entry) { return {entry->connection, entry->subject}; }
  struct NameHash {
    using is_transparent = void;
    template <typename T>
    size_t operator()(const T& named) const {
      return absl::HashOf(NameOf(named));
    }
  };
  struct NameEq {
    using is_transparent = void;
    template <typename T, typename U>
    bool operator()(const T& a, const U& b) const {
      return NameOf(a) == NameOf(b);
    }
  };

  static absl::string_view ConnectionOf(absl::string_view connection) { return connection; }
  static absl::string_view ConnectionOf(const CacheEntry* entry) { return entry->connection; }
  struct ConnectionHash {
    using is_transparent = void;
    template <typename T>
    size_t operator()(const T& named) const {
      return absl::HashOf(ConnectionOf(named));
    }
  };
  struct ConnectionEq {
    using is_transparent = void;
    template <typename T, typename U>
    bool operator()(const T& a, const U& b) const {
      return ConnectionOf(a) == ConnectionOf(b);
    }
  };

  // Returns whether there is room for one more.
  bool MakeRoom();

  const size_t max_entries_;
  size_t tokens_ = 0;
  absl::flat_hash_set<EntryPtr, NameHash, NameEq> entries_;
  absl::flat_hash_set<CacheEntry*, ConnectionHash, ConnectionEq> defaults_;
  // Used last first.
  std::list<CacheEntry*> by_age_;
  absl::btree_set<std::pair<absl::Time, CacheEntry*>> by_due_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_TOKEN_CACHE_H_
