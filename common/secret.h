// A string that must not be seen: a PIN, an access token, an assertion.
#ifndef KEYWARD_COMMON_SECRET_H_
#define KEYWARD_COMMON_SECRET_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "common/locked_pages.h"

namespace keyward {

// Wipes itself when it dies or is moved from, cannot be copied by accident,
// has no operator<<, and gives its text only through a call that is easy to
// grep for. Not thread-safe.
class Secret {
 public:
  Secret() = default;
  // Takes the text over and wipes the argument.
  explicit Secret(std::string&& text);
  // The first `size` bytes of `pages`: for a PIN, which is never swapped out then.
  // `pages` is not null.
  Secret(std::unique_ptr<LockedPages> pages, size_t size);
  ~Secret();

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  // The text itself, valid until this object changes. Never log it.
  absl::string_view Expose() const {
    return pages_ == nullptr ? absl::string_view(text_)
                             : absl::string_view(pages_->bytes().data(), size_);
  }

  bool empty() const { return Expose().empty(); }

  // Whether the text is in memory that the system keeps from the disk.
  bool is_locked() const { return pages_ != nullptr && pages_->are_locked(); }

  void Wipe();

 private:
  // Empty where there are pages.
  std::string text_;
  std::unique_ptr<LockedPages> pages_;
  size_t size_ = 0;
};

// A copy of `text`, which the caller wipes, on pages of its own.
Secret LockedSecret(absl::string_view text);

// Overwrites `text` with zeros, in a way that the compiler keeps, and empties
// it.
void WipeString(std::string& text);

}  // namespace keyward

#endif  // KEYWARD_COMMON_SECRET_H_
