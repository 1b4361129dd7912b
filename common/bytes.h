// Text as the bytes that C libraries take.
#ifndef KEYWARD_COMMON_BYTES_H_
#define KEYWARD_COMMON_BYTES_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace keyward {

inline const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace keyward

#endif  // KEYWARD_COMMON_BYTES_H_
