// A cache of access tokens as large as a big installation's, and its refreshes.
#ifndef KEYWARD_TESTS_BENCH_MANY_ENTRIES_H_
#define KEYWARD_TESTS_BENCH_MANY_ENTRIES_H_

#include <cstddef>

namespace keyward::bench {

struct ManyEntriesFigures {
  size_t entries = 0;
  // Of an entry with its token, and its share of what is kept of its connection: what
  // the allocator gave, and what the process grew by.
  double allocated_bytes = 0;
  double resident_bytes = 0;
  // How many of them are the entry's own text: names, token, URLs, scopes.
  double text_bytes = 0;
  double hours = 0;
  double logins_per_hour = 0;
  // One login for each entry and lifetime of a token.
  double ideal_per_hour = 0;
  // Of all minutes the one with most logins.
  double most_per_minute = 0;
  // Calls that were not answered from the cache; none should be.
  double misses = 0;
};

// 10,000 (connection, subject) pairs in AccessTokens of its own, each asked for every
// five minutes, for a day. The day passes as fast as it can, and a login takes no time:
// what is measured is when they are made. Call it before anything else in this process
// has freed memory that would be used again.
ManyEntriesFigures KeepManyEntries();

}  // namespace keyward::bench

#endif  // KEYWARD_TESTS_BENCH_MANY_ENTRIES_H_
