// What every Registry must do, whatever database is under it. A database joins
// by instantiating RegistryContractTest with a DatabaseUnderTest of its own.
#ifndef KEYWARD_TESTS_KEYSTORE_REGISTRY_REGISTRY_CONTRACT_H_
#define KEYWARD_TESTS_KEYSTORE_REGISTRY_REGISTRY_CONTRACT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "common/error.h"
#include "keystore/registry/registry.h"

namespace keyward::registry {

// An empty database that lives as long as this object.
class TestDatabase {
 public:
  virtual ~TestDatabase() = default;
  // Opens it once more.
  virtual std::unique_ptr<Registry> Open() = 0;
};

struct DatabaseUnderTest {
  std::string name;
  std::function<std::unique_ptr<TestDatabase>()> make;

  friend void PrintTo(const DatabaseUnderTest& database, std::ostream* out) {
    *out << database.name;
  }
};

// Whether `status` is an error with this code and reason.
MATCHER_P2(FailsWith, code, reason, "") {
  *result_listener << arg.ToString();
  return arg.code() == code && ReasonOf(arg) == std::optional<std::string>(reason);
}

MATCHER(IsOk, "") {
  *result_listener << arg.ToString();
  return arg.ok();
}

ConnectionSettings SomeSettings();
// Empty but for the consumer key.
ConnectionSettings OnlyConsumerKey(std::string consumer_key);
// A CKA_ID that no other call returned, with bytes that are not text.
std::string NewKeyId();
IssuedKey SomeIssuedKey();
// A certificate with a chain for the key of SomeIssuedKey().
IssuedKey AnotherCertificate(absl::string_view name = "another");

void ExpectVersion(const KeyVersion& actual, const KeyVersion& expected);

// Creates `name` whole, with an ACTIVE key version, whose number it returns.
uint32_t CreateActive(Registry& registry, absl::string_view name,
                      const ConnectionSettings& settings = SomeSettings());

// The current etag of `name`.
std::string EtagOf(Registry& registry, absl::string_view name);

// Removes `name` and finishes the destruction of its keys.
void Remove(Registry& registry, absl::string_view name);

std::vector<std::string> NamesOf(const std::vector<Connection>& connections);

class RegistryContractTest : public ::testing::TestWithParam<DatabaseUnderTest> {
 protected:
  RegistryContractTest() : database_(GetParam().make()), registry_(database_->Open()) {}

  // Closes the registry and opens it anew.
  void Reopen() {
    registry_.reset();
    registry_ = database_->Open();
  }

  ApprovalStore& approvals() { return registry_->approvals(); }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Registry> registry_;
};

}  // namespace keyward::registry

#endif  // KEYWARD_TESTS_KEYSTORE_REGISTRY_REGISTRY_CONTRACT_H_
