#include "tests/client/test_connection/certificates.h"

#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <memory>

#include "common/openssl.h"

namespace keyward::testing {

std::string MakeCertificate(const CertificateShape& shape) {
  const EvpPkeyPtr key(shape.rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(shape.rsa_bits));
  const X509Ptr certificate(X509_new());
  X509* x509 = certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -24L * 3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), 24L * 3600 * shape.days);
  X509_set_pubkey(x509, key.get());
  if (shape.comment_bytes > 0) {
    const std::string comment(shape.comment_bytes, 'x');
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_netscape_comment, comment.c_str());
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(x509, key.get(), EVP_sha256());
  return EncodeDer<&i2d_X509>(x509).value_or("");
}

}  // namespace keyward::testing
