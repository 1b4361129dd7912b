// A module and token of the environment's choice.
#include <stdlib.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "tests/keystore/modules/test_module.h"

namespace keyward::pkcs11 {
namespace {

constexpr char kModule[] = "KEYWARD_ACCEPTANCE_MODULE";
constexpr char kTokenUri[] = "KEYWARD_ACCEPTANCE_TOKEN_URI";
constexpr char kPinFile[] = "KEYWARD_ACCEPTANCE_PIN_FILE";
constexpr char kWrongPin[] = "KEYWARD_ACCEPTANCE_WRONG_PIN";

std::string Variable(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

class OwnModule : public TestModule {
 public:
  std::string path() const override { return Variable(kModule); }
  std::string token_uri() const override { return Variable(kTokenUri); }

  absl::StatusOr<Secret> ReadPin() const override {
    ASSIGN_OR_RETURN(std::string pin, ReadFile(Variable(kPinFile)));
    absl::StripTrailingAsciiWhitespace(&pin);
    return Secret(std::move(pin));
  }

  absl::StatusOr<Secret> WrongPin() const override {
    std::string pin = Variable(kWrongPin);
    if (!pin.empty()) return Secret(std::move(pin));
    return absl::FailedPreconditionError(
        absl::StrCat("a wrong PIN counts towards the token's lock, so it is tried only where ",
                     kWrongPin, " gives one"));
  }

  bool can_go_away() const override { return false; }
};

}  // namespace

absl::StatusOr<std::unique_ptr<TestModule>> UseOwnModule() {
  if (Variable(kModule).empty()) {
    return absl::UnavailableError(absl::StrCat(kModule, " is not set"));
  }
  for (const char* name : {kTokenUri, kPinFile}) {
    if (Variable(name).empty()) {
      return absl::InvalidArgumentError(absl::StrCat(kModule, " is set, but ", name, " is not"));
    }
  }
  return std::make_unique<OwnModule>();
}

}  // namespace keyward::pkcs11
