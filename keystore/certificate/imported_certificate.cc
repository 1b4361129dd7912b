#include "keystore/certificate/imported_certificate.h"

#include <openssl/x509v3.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/rsa_public_key.h"
#include "common/status_macros.h"
#include "keystore/certificate/certificate_path.h"

namespace keyward {
namespace {

constexpr int kMinRsaBits = 2048;
// Of the signature's hash: SHA-224 has as many, SHA-1 about 63.
constexpr int kMinSecurityBits = 112;

absl::Status Invalid(absl::string_view reason, absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, reason, message);
}

absl::Status Malformed(absl::string_view which, absl::string_view why) {
  return Invalid("CERTIFICATE_MALFORMED", absl::StrCat(which, ": ", why));
}

// A certificate whose extensions and public key OpenSSL understands too.
absl::StatusOr<X509Ptr> Parse(absl::string_view der, absl::string_view which) {
  absl::StatusOr<X509Ptr> certificate = ParseCertificate(der);
  if (!certificate.ok()) return Malformed(which, certificate.status().message());
  if ((X509_get_extension_flags(certificate->get()) & EXFLAG_INVALID) != 0) {
    return Malformed(which, "one of its extensions is malformed or there twice");
  }
  if (X509_get0_pubkey(certificate->get()) == nullptr) {
    return Malformed(which, OpensslError("its public key cannot be read").message());
  }
  return certificate;
}

absl::StatusOr<std::vector<X509Ptr>> ParseChain(absl::Span<const std::string> chain_der) {
  std::vector<X509Ptr> chain;
  for (const std::string& der : chain_der) {
    ASSIGN_OR_RETURN(X509Ptr certificate,
                     Parse(der, absl::StrCat("certificate ", chain.size() + 1, " of the chain")));
    chain.push_back(std::move(certificate));
  }
  return chain;
}

std::string KeyForPeople(const EVP_PKEY& key) {
  const absl::StatusOr<std::string> thumbprint = JwkThumbprint(key);
  // One that is restricted to PSS has the thumbprint of the one that is not.
  if (thumbprint.ok() && EVP_PKEY_is_a(&key, "RSA") == 1) {
    return absl::StrCat("the key with SHA-256 thumbprint ", *thumbprint);
  }
  const char* type = EVP_PKEY_get0_type_name(&key);
  return absl::StrCat("a key of type ", type == nullptr ? "unknown" : type);
}

absl::Status CheckKey(const EVP_PKEY& key, const EVP_PKEY& expected) {
  const bool is_rsa = EVP_PKEY_is_a(&key, "RSA") == 1 || EVP_PKEY_is_a(&key, "RSA-PSS") == 1;
  if (is_rsa && EVP_PKEY_get_bits(&key) < kMinRsaBits) {
    return Invalid("CERTIFICATE_KEY_TOO_SHORT",
                   absl::StrCat("the certificate's RSA key has ", EVP_PKEY_get_bits(&key),
                                " bits; at least ", kMinRsaBits, " are needed"));
  }
  if (EVP_PKEY_eq(&key, &expected) == 1) return absl::OkStatus();
  return Invalid(
      "CERTIFICATE_KEY_MISMATCH",
      absl::StrCat("the certificate is for ", KeyForPeople(key), ", and this key version has ",
                   KeyForPeople(expected), "; have the CA issue one from this version's request"));
}

absl::Status CheckValidity(absl::Time not_before, absl::Time not_after, absl::Time now) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const std::string from = absl::FormatTime(absl::RFC3339_sec, not_before, utc);
  const std::string to = absl::FormatTime(absl::RFC3339_sec, not_after, utc);
  if (not_after < not_before) {
    return Invalid("CERTIFICATE_VALIDITY_INVALID",
                   absl::StrCat("the certificate ends (", to, ") before it begins (", from, ")"));
  }
  const std::string today = absl::FormatTime(absl::RFC3339_sec, now, utc);
  if (now < not_before) {
    return Invalid("CERTIFICATE_NOT_YET_VALID",
                   absl::StrCat("the certificate is valid from ", from, " on, and now is ", today));
  }
  // From that second on, as for OpenSSL's verification: RFC 5280 section 4.1.2.5 would
  // grant it the second itself.
  if (now >= not_after) {
    return Invalid("CERTIFICATE_EXPIRED",
                   absl::StrCat("the certificate ended at ", to, ", and now is ", today,
                                "; have the CA issue another, or correct the signer's clock"));
  }
  return absl::OkStatus();
}

absl::Status CheckSignatureAlgorithm(X509& certificate) {
  int security_bits = 0;
  if (X509_get_signature_info(&certificate, nullptr, nullptr, &security_bits, nullptr) == 1 &&
      security_bits >= kMinSecurityBits) {
    return absl::OkStatus();
  }
  return Invalid("CERTIFICATE_WEAK_SIGNATURE",
                 absl::StrCat("the certificate is signed with ",
                              OBJ_nid2ln(X509_get_signature_nid(&certificate)),
                              "; have it issued with SHA-256 or better"));
}

absl::Status CheckUsage(X509& certificate) {
  if ((X509_get_extension_flags(&certificate) & EXFLAG_CA) != 0) {
    return Invalid("CERTIFICATE_USAGE_INVALID",
                   "the certificate is one of a CA (basicConstraints CA:TRUE); have one issued "
                   "for signing data");
  }
  // All bits are set where there is no keyUsage.
  if ((X509_get_key_usage(&certificate) & KU_DIGITAL_SIGNATURE) == 0) {
    return Invalid("CERTIFICATE_USAGE_INVALID",
                   "the certificate's keyUsage lacks digitalSignature; have it issued with it");
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::Time> Read(const ASN1_TIME* time) {
  absl::StatusOr<absl::Time> read = ToTime(time);
  if (!read.ok()) return Malformed("the certificate", "its validity cannot be read");
  return read;
}

absl::Status CheckSize(absl::string_view der) {
  if (der.size() <= kMaxImportedBytes) return absl::OkStatus();
  return Invalid("CERTIFICATE_TOO_LARGE",
                 absl::StrCat("a certificate has ", der.size(), " bytes; at most ",
                              kMaxImportedBytes, " are taken"));
}

}  // namespace

absl::StatusOr<ImportedCertificate> CheckImportedCertificate(
    absl::string_view leaf_der, absl::Span<const std::string> chain_der,
    const EVP_PKEY& expected_key, absl::Time now) {
  if (chain_der.size() > kMaxChainCertificates) {
    return Invalid("CERTIFICATE_CHAIN_TOO_LONG",
                   absl::StrCat("the chain has ", chain_der.size(), " certificates; at most ",
                                kMaxChainCertificates, " are taken"));
  }
  RETURN_IF_ERROR(CheckSize(leaf_der));
  for (const std::string& above : chain_der) RETURN_IF_ERROR(CheckSize(above));
  ASSIGN_OR_RETURN(const X509Ptr leaf, Parse(leaf_der, "the certificate"));
  ASSIGN_OR_RETURN(const std::vector<X509Ptr> chain, ParseChain(chain_der));
  RETURN_IF_ERROR(CheckKey(*X509_get0_pubkey(leaf.get()), expected_key));
  ImportedCertificate imported;
  ASSIGN_OR_RETURN(imported.not_before, Read(X509_get0_notBefore(leaf.get())));
  ASSIGN_OR_RETURN(imported.not_after, Read(X509_get0_notAfter(leaf.get())));
  RETURN_IF_ERROR(CheckValidity(imported.not_before, imported.not_after, now));
  RETURN_IF_ERROR(CheckSignatureAlgorithm(*leaf));
  RETURN_IF_ERROR(CheckUsage(*leaf));
  ASSIGN_OR_RETURN(const std::vector<size_t> path, FindPath(*leaf, chain, now));
  for (const size_t index : path) imported.chain.push_back(chain_der[index]);
  return imported;
}

}  // namespace keyward
