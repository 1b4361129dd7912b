// As much of Salesforce's query language as the stand-in needs.
#ifndef KEYWARD_TESTS_STANDIN_SOQL_H_
#define KEYWARD_TESTS_STANDIN_SOQL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::standin {

struct SoqlSelect {
  std::vector<std::string> fields;
  std::string object;
};

// Reads "SELECT field, field FROM object …" in any case; what follows the
// object is not looked at. INVALID_ARGUMENT with Salesforce-like text otherwise.
absl::StatusOr<SoqlSelect> ParseSoql(absl::string_view query);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_SOQL_H_
