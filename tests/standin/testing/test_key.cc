#include "tests/standin/testing/test_key.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace keyward::testing {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  (void)fprintf(stderr, "%s\n", OpensslError(what).ToString().c_str());
  abort();
}

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  Require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "extension");
  X509_EXTENSION_free(extension);
}

X509Ptr SelfSign(EVP_PKEY* key, absl::string_view comment) {
  constexpr int kDay = 24 * 60 * 60;
  X509Ptr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 9 * kDay);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const uint8_t*>("keyward test"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key);
  AddExtension(certificate.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  if (!comment.empty()) {
    AddExtension(certificate.get(), NID_netscape_comment, std::string(comment));
  }
  Require(X509_sign(certificate.get(), key, EVP_sha256()) > 0, "signing the certificate");
  return certificate;
}

TestKey Complete(EvpPkeyPtr key, absl::string_view comment) {
  Require(key != nullptr, "generating a key");
  const X509Ptr certificate = SelfSign(key.get(), comment);
  const BioPtr pem(BIO_new(BIO_s_mem()));
  const BioPtr der(BIO_new(BIO_s_mem()));
  const BioPtr key_pem(BIO_new(BIO_s_mem()));
  Require(PEM_write_bio_X509(pem.get(), certificate.get()) == 1 &&
              i2d_X509_bio(der.get(), certificate.get()) == 1 &&
              PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                       nullptr) == 1,
          "encoding");
  return {std::move(key), TextOf(key_pem.get()), TextOf(pem.get()), TextOf(der.get())};
}

}  // namespace

TestKey NewRsaKey(int bits, absl::string_view comment) {
  return Complete(EvpPkeyPtr(EVP_RSA_gen(static_cast<unsigned>(bits))), comment);
}

TestKey NewEcKey() { return Complete(EvpPkeyPtr(EVP_EC_gen("P-256")), ""); }

std::string SignJwtWith(absl::string_view header, absl::string_view claims, EVP_PKEY* key,
                        const char* digest, bool pss) {
  const std::string input =
      absl::StrCat(absl::WebSafeBase64Escape(header), ".", absl::WebSafeBase64Escape(claims));
  const auto* bytes = reinterpret_cast<const uint8_t*>(input.data());
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  Require(EVP_DigestSignInit_ex(context.get(), &parameters, digest, nullptr, nullptr, key,
                                nullptr) == 1,
          "starting a signature");
  if (pss) {
    Require(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1, "padding");
  }
  size_t size = 0;
  Require(EVP_DigestSign(context.get(), nullptr, &size, bytes, input.size()) == 1, "sizing");
  std::string signature(size, '\0');
  Require(EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &size, bytes,
                         input.size()) == 1,
          "signing");
  signature.resize(size);
  return absl::StrCat(input, ".", absl::WebSafeBase64Escape(signature));
}

std::string SignJwt(absl::string_view header, absl::string_view claims, EVP_PKEY* key) {
  return SignJwtWith(header, claims, key, "SHA256", false);
}

}  // namespace keyward::testing
