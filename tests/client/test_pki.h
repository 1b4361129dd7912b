// Certificates of a test's own, made by the openssl command.
#ifndef KEYWARD_TESTS_CLIENT_TEST_PKI_H_
#define KEYWARD_TESTS_CLIENT_TEST_PKI_H_

#include <string>

#include "tests/testing/temp_dir.h"

namespace keyward::testing {

// Paths of PEM files.
struct CertificateFiles {
  std::string certificate;
  std::string private_key;
};

class TestPki {
 public:
  TestPki();

  // The certificate of the authority "ca".
  std::string ca() const { return dir_.File("ca.pem"); }
  // Another authority, which knows nothing of "ca".
  std::string MakeCa(const std::string& name) const;
  // A certificate by the authority `ca` with the subject alternative name
  // `alternative_name`, as openssl writes it: "DNS:localhost,IP:127.0.0.1".
  CertificateFiles Issue(const std::string& name, const std::string& alternative_name,
                         const std::string& ca = "ca") const;

  std::string File(const std::string& name) const { return dir_.File(name); }

 private:
  TempDir dir_;
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_CLIENT_TEST_PKI_H_
