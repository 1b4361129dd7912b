// Memory for what must not reach the disk.
#ifndef KEYWARD_COMMON_LOCKED_PAGES_H_
#define KEYWARD_COMMON_LOCKED_PAGES_H_

#include <cstddef>

#include "absl/types/span.h"

namespace keyward {

// Pages of their own: locked, so that they are never swapped out (mlock(2)), in no core
// dump, and not there in a child of fork(2); wiped at the end. RLIMIT_MEMLOCK bounds what
// a process may lock, often to 64 KiB, so this is for a few secrets and not for many.
// Not thread-safe.
class LockedPages {
 public:
  // Room for at least `size` bytes, all zero. Ends the process where the system has no
  // memory, as operator new does without exceptions.
  explicit LockedPages(size_t size);
  ~LockedPages();
  LockedPages(const LockedPages&) = delete;
  LockedPages& operator=(const LockedPages&) = delete;

  absl::Span<char> bytes() const { return {begin_, size_}; }

  // Whether the system locked them. Everything else is as promised in any case.
  bool are_locked() const { return are_locked_; }

 private:
  // Whole pages.
  size_t size_;
  char* begin_;
  bool are_locked_;
};

}  // namespace keyward

#endif  // KEYWARD_COMMON_LOCKED_PAGES_H_
