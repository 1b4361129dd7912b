// CAs and the certificates that they issue, good ones and bad ones. What cannot be
// made aborts the test.
#ifndef KEYWARD_TESTS_KEYSTORE_CERTIFICATE_TEST_CA_H_
#define KEYWARD_TESTS_KEYSTORE_CERTIFICATE_TEST_CA_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/openssl.h"

namespace keyward::testing {

// The day on which the certificates are looked at.
absl::Time Today();

struct CertificatePlan {
  std::string subject;
  absl::Time not_before = Today() - absl::Hours(24);
  absl::Time not_after = Today() + absl::Hours(24 * 365);
  std::string digest = "SHA256";
  // In the language of x509v3_config(5). A NID_authority_key_identifier names the
  // issuer's key.
  std::vector<std::pair<int, std::string>> extensions = {};
};

// A plan with basicConstraints CA:TRUE and keyUsage keyCertSign.
CertificatePlan CaPlan(const std::string& subject);
// One with keyUsage digitalSignature.
CertificatePlan LeafPlan(const std::string& subject);

struct Issued {
  std::string subject;
  EvpPkeyPtr key;
  std::string der;
};

// The DER of a certificate for `key`, by `issuer_subject` and `issuer_key`.
std::string Certify(const CertificatePlan& plan, EVP_PKEY& key, const std::string& issuer_subject,
                    EVP_PKEY& issuer_key);
// With a new RSA key.
Issued IssueRoot(const CertificatePlan& plan, int bits = 2048);
Issued Issue(const CertificatePlan& plan, const Issued& issuer, int bits = 2048);

// An RSA key whose signatures do not verify.
EvpPkeyPtr BrokenKey();

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_KEYSTORE_CERTIFICATE_TEST_CA_H_
