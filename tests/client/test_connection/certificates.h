// Certificates of odd shapes.
#ifndef KEYWARD_TESTS_CLIENT_TEST_CONNECTION_CERTIFICATES_H_
#define KEYWARD_TESTS_CLIENT_TEST_CONNECTION_CERTIFICATES_H_

#include <cstddef>
#include <string>

namespace keyward::testing {

struct CertificateShape {
  // Valid from a day ago until this many days from now.
  int days = 365;
  // 0 for a key on the curve P-256.
  unsigned rsa_bits = 2048;
  // Makes it longer by that much.
  size_t comment_bytes = 0;
};

// DER of a self-signed certificate.
std::string MakeCertificate(const CertificateShape& shape);

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_CLIENT_TEST_CONNECTION_CERTIFICATES_H_
