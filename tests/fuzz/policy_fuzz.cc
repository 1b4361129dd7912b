// Any bytes as policy.yaml: a policy or its mistakes, never a crash, and a decision by it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "signer/authorization_policy.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using keyward::signer::AuthorizationPolicy;
  using keyward::signer::Operation;
  const auto policy =
      AuthorizationPolicy::Parse({reinterpret_cast<const char*>(data), size}, "policy.yaml");
  if (!policy.ok()) {
    if (policy.status().message().empty()) abort();
    return 0;
  }
  const auto decision = policy->Decide({"cn:a", "acme", Operation::kSign, "u@x.example"});
  // What is allowed is allowed by a role.
  if (decision.status.ok() && decision.role.empty()) abort();
  policy->QuotaOfIdentity("cn:a");
  policy->QuotaOfConnection("acme");
  return 0;
}
