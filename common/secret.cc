#include "common/secret.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace keyward {

void WipeString(std::string& text) {
  // The whole buffer: an earlier, longer value may still lie behind the end.
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

Secret LockedSecret(absl::string_view text) {
  auto pages = std::make_unique<LockedPages>(text.size());
  std::copy(text.begin(), text.end(), pages->bytes().begin());
  return Secret(std::move(pages), text.size());
}

// Copied, not moved: moving a short string leaves its bytes in the source.
Secret::Secret(std::string&& text) : text_(text) { WipeString(text); }

Secret::Secret(std::unique_ptr<LockedPages> pages, size_t size)
    : pages_(std::move(pages)), size_(size) {}

Secret::~Secret() { Wipe(); }

// NOLINTNEXTLINE(performance-move-constructor-init): copied for the same reason.
Secret::Secret(Secret&& other) noexcept
    : text_(other.text_), pages_(std::move(other.pages_)), size_(other.size_) {
  other.Wipe();
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe();
    text_ = other.text_;
    pages_ = std::move(other.pages_);
    size_ = other.size_;
    other.Wipe();
  }
  return *this;
}

void Secret::Wipe() {
  WipeString(text_);
  pages_.reset();
  size_ = 0;
}

}  // namespace keyward
