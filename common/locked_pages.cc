#include "common/locked_pages.h"

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

namespace keyward {
namespace {

size_t WholePages(size_t size) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (size / page + 1) * page;
}

}  // namespace

LockedPages::LockedPages(size_t size) : size_(WholePages(size)) {
  void* pages =
      mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, 0);
  if (pages == MAP_FAILED) abort();
  begin_ = static_cast<char*>(pages);
  are_locked_ = mlock(pages, size_) == 0;
  // Best effort both: dumps are off for the whole process, and no daemon forks.
  madvise(pages, size_, MADV_DONTDUMP);
  madvise(pages, size_, MADV_DONTFORK);
}

LockedPages::~LockedPages() {
  OPENSSL_cleanse(begin_, size_);
  munmap(begin_, size_);
}

}  // namespace keyward
