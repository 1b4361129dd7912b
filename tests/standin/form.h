// Reading a form as HTML's application/x-www-form-urlencoded has it.
#ifndef KEYWARD_TESTS_STANDIN_FORM_H_
#define KEYWARD_TESTS_STANDIN_FORM_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::standin {

// Every field in its order, repeated ones too: cpp-httplib's own reading folds
// equal fields into one and overlooks a content type in capitals. "+" is a
// space. INVALID_ARGUMENT for a "%" that two hexadecimal digits do not follow.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseForm(absl::string_view body);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_FORM_H_
