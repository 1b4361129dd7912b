#include "tests/keystore/certificate/test_ca.h"

#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>

namespace keyward::testing {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  (void)fprintf(stderr, "%s\n", OpensslError(what).ToString().c_str());
  abort();
}

using NamePtr = std::unique_ptr<X509_NAME, OpensslDeleter<&X509_NAME_free>>;

NamePtr Name(const std::string& common_name) {
  NamePtr name(X509_NAME_new());
  if (common_name.empty()) return name;
  Require(X509_NAME_add_entry_by_NID(name.get(), NID_commonName, MBSTRING_UTF8,
                                     reinterpret_cast<const uint8_t*>(common_name.data()),
                                     static_cast<int>(common_name.size()), -1, 0) == 1,
          "name");
  return name;
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  Require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "extension");
  X509_EXTENSION_free(extension);
}

}  // namespace

absl::Time Today() { return absl::FromUnixSeconds(1'800'000'000); }

CertificatePlan CaPlan(const std::string& subject) {
  return {.subject = subject,
          .extensions = {{NID_basic_constraints, "critical,CA:TRUE"},
                         {NID_key_usage, "critical,keyCertSign,cRLSign"}}};
}

CertificatePlan LeafPlan(const std::string& subject) {
  return {.subject = subject, .extensions = {{NID_key_usage, "critical,digitalSignature"}}};
}

std::string Certify(const CertificatePlan& plan, EVP_PKEY& key, const std::string& issuer_subject,
                    EVP_PKEY& issuer_key) {
  const X509Ptr certificate(X509_new());
  X509* const raw = certificate.get();
  uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<uint8_t*>(&serial), sizeof(serial));
  Require(X509_set_version(raw, X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set_uint64(X509_get_serialNumber(raw), serial) == 1 &&
              X509_set_subject_name(raw, Name(plan.subject).get()) == 1 &&
              X509_set_issuer_name(raw, Name(issuer_subject).get()) == 1 &&
              X509_set_pubkey(raw, &key) == 1,
          "certificate");
  ASN1_TIME_set(X509_getm_notBefore(raw), absl::ToTimeT(plan.not_before));
  ASN1_TIME_set(X509_getm_notAfter(raw), absl::ToTimeT(plan.not_after));
  for (const auto& [nid, value] : plan.extensions) AddExtension(raw, nid, value);
  Require(X509_sign(raw, &issuer_key, EVP_get_digestbyname(plan.digest.c_str())) > 0, "signature");
  return *EncodeDer<&i2d_X509>(raw);
}

Issued IssueRoot(const CertificatePlan& plan, int bits) {
  EvpPkeyPtr key(EVP_RSA_gen(static_cast<unsigned int>(bits)));
  std::string der = Certify(plan, *key, plan.subject, *key);
  return {plan.subject, std::move(key), std::move(der)};
}

Issued Issue(const CertificatePlan& plan, const Issued& issuer, int bits) {
  EvpPkeyPtr key(EVP_RSA_gen(static_cast<unsigned int>(bits)));
  std::string der = Certify(plan, *key, issuer.subject, *issuer.key);
  return {plan.subject, std::move(key), std::move(der)};
}

}  // namespace keyward::testing
