#include "tests/testing/code_and_reason.h"

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace keyward::testing {

std::string CodeAndReason(const absl::Status& status) {
  if (status.ok()) return "OK";
  return absl::StrCat(absl::StatusCodeToString(status.code()), " ",
                      ReasonOf(status).value_or("without a reason"));
}

}  // namespace keyward::testing
