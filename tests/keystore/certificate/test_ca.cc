#include "tests/keystore/certificate/test_ca.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
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

// What an authority key identifier is read from: a certificate for `key`.
X509Ptr KeyHolder(EVP_PKEY& key) {
  X509Ptr holder(X509_new());
  Require(X509_set_pubkey(holder.get(), &key) == 1, "key");
  X509V3_CTX context;
  X509V3_set_ctx(&context, holder.get(), holder.get(), nullptr, nullptr, 0);
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, &context, NID_subject_key_identifier, "hash");
  Require(extension != nullptr && X509_add_ext(holder.get(), extension, -1) == 1, "extension");
  X509_EXTENSION_free(extension);
  return holder;
}

void AddExtension(X509* certificate, EVP_PKEY& issuer_key, int nid, const std::string& value) {
  const X509Ptr issuer = KeyHolder(issuer_key);
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer.get(), certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
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
  for (const auto& [nid, value] : plan.extensions) AddExtension(raw, issuer_key, nid, value);
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

EvpPkeyPtr BrokenKey() {
  const EvpPkeyPtr key(EVP_RSA_gen(2048));
  OSSL_PARAM* params = nullptr;
  // The private exponent of an RSA key without primes is all that it signs with.
  BIGNUM* n = nullptr;
  BIGNUM* e = nullptr;
  BIGNUM* d = nullptr;
  Require(EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
              EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
              EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_D, &d) == 1 &&
              BN_add_word(d, 2) == 1,
          "numbers");
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  Require(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
              OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
              OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_D, d) == 1 &&
              (params = OSSL_PARAM_BLD_to_param(builder)) != nullptr,
          "parameters");
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* broken = nullptr;
  Require(EVP_PKEY_fromdata_init(context.get()) == 1 &&
              EVP_PKEY_fromdata(context.get(), &broken, EVP_PKEY_KEYPAIR, params) == 1,
          "key");
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  for (BIGNUM* number : {n, e, d}) BN_clear_free(number);
  return EvpPkeyPtr(broken);
}

}  // namespace keyward::testing
