// A file descriptor that closes itself.
#ifndef KEYWARD_COMMON_UNIQUE_FD_H_
#define KEYWARD_COMMON_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace keyward {

// Move-only. Holds -1 for none.
class UniqueFd {
 public:
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() {
    if (fd_ >= 0) close(fd_);
  }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&&) = delete;

  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace keyward

#endif  // KEYWARD_COMMON_UNIQUE_FD_H_
