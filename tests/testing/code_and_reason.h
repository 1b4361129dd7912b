// What a caller branches on, in a form to compare.
#ifndef KEYWARD_TESTS_TESTING_CODE_AND_REASON_H_
#define KEYWARD_TESTS_TESTING_CODE_AND_REASON_H_

#include <string>

#include "absl/status/status.h"

namespace keyward::testing {

// "NOT_FOUND CONNECTION_NOT_FOUND"; "OK" for no error.
std::string CodeAndReason(const absl::Status& status);

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_TESTING_CODE_AND_REASON_H_
