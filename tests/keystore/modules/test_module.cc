#include "tests/keystore/modules/test_module.h"

#include "common/status_macros.h"

namespace keyward::pkcs11 {

absl::StatusOr<TokenOptions> OptionsFor(const TestModule& module) {
  ASSIGN_OR_RETURN(TokenUri uri, TokenUri::Parse(module.token_uri()));
  return TokenOptions{.module_path = module.path(),
                      .uri = std::move(uri),
                      .read_pin = [&module] { return module.ReadPin(); },
                      .pin_source = "the test module"};
}

}  // namespace keyward::pkcs11
