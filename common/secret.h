// A string that must not be seen: a PIN, an access token, an assertion.
#ifndef KEYWARD_COMMON_SECRET_H_
#define KEYWARD_COMMON_SECRET_H_

#include <string>

#include "absl/strings/string_view.h"

namespace keyward {

// Wipes itself when it dies or is moved from, cannot be copied by accident,
// has no operator<<, and gives its text only through a call that is easy to
// grep for. Not thread-safe.
class Secret {
 public:
  Secret() = default;
  // Takes the text over and wipes the argument.
  explicit Secret(std::string&& text);
  ~Secret();

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  // The text itself, valid until this object changes. Never log it.
  absl::string_view Expose() const { return text_; }

  bool empty() const { return text_.empty(); }

  void Wipe();

 private:
  std::string text_;
};

// Overwrites `text` with zeros, in a way that the compiler keeps, and empties
// it.
void WipeString(std::string& text);

}  // namespace keyward

#endif  // KEYWARD_COMMON_SECRET_H_
