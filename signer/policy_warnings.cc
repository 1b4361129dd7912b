#include "signer/policy_warnings.h"

namespace keyward::signer {

std::vector<std::string> PolicyWarnings(const AuthorizationPolicy& /*policy*/,
                                        absl::string_view /*file*/) {
  return {};
}

std::vector<std::string> UnusedKindWarnings(const AuthorizationPolicy& /*policy*/,
                                            absl::Span<const std::string> /*kinds*/,
                                            absl::string_view /*file*/) {
  return {};
}

}  // namespace keyward::signer
