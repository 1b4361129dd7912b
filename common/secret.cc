#include "common/secret.h"

#include <openssl/crypto.h>

namespace keyward {

void WipeString(std::string& text) {
  // The whole buffer: an earlier, longer value may still lie behind the end.
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

// Copied, not moved: moving a short string leaves its bytes in the source.
Secret::Secret(std::string&& text) : text_(text) { WipeString(text); }

Secret::~Secret() { Wipe(); }

// NOLINTNEXTLINE(performance-move-constructor-init): copied for the same reason.
Secret::Secret(Secret&& other) noexcept : text_(other.text_) { other.Wipe(); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe();
    text_ = other.text_;
    other.Wipe();
  }
  return *this;
}

void Secret::Wipe() { WipeString(text_); }

}  // namespace keyward
