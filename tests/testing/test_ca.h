// A certificate authority of a test's own, made in memory: what the openssl command cannot do
// (ends to the second) or does slowly.
#ifndef KEYWARD_TESTS_TESTING_TEST_CA_H_
#define KEYWARD_TESTS_TESTING_TEST_CA_H_

#include <openssl/x509.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/openssl.h"

namespace keyward::testing {

struct IssueOptions {
  // As openssl's x509v3_config writes them; empty for none.
  std::string alternative_name;
  std::string usage = "clientAuth";
  std::string common_name = "client";
  absl::Time not_before = absl::Now() - absl::Hours(1);
  absl::Time not_after = absl::Now() + absl::Hours(48);
};

// In PEM.
struct IssuedCertificate {
  std::string certificate;
  std::string private_key;
};

struct CrlOptions {
  // PEM.
  std::vector<std::string> revoked;
  absl::Time last_update = absl::Now() - absl::Hours(1);
  // Infinite future for none.
  absl::Time next_update = absl::Now() + absl::Hours(48);
  // Marks it as one that completes another.
  bool is_delta = false;
};

// Every function aborts the test where OpenSSL fails.
class TestCa {
 public:
  // A new root whose subject is CN=`name`.
  explicit TestCa(const std::string& name, absl::Time not_after = absl::Now() + absl::Hours(72));
  // One that is there already.
  TestCa(absl::string_view certificate_pem, absl::string_view private_key_pem);

  // A new authority that this one has issued.
  TestCa MakeSubordinate(const std::string& name) const;
  IssuedCertificate Issue(const IssueOptions& options) const;
  // In PEM.
  std::string Crl(const CrlOptions& options = {}) const;
  std::string certificate() const;

 private:
  TestCa(X509Ptr certificate, EvpPkeyPtr key);

  X509Ptr certificate_;
  EvpPkeyPtr key_;
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_TESTING_TEST_CA_H_
