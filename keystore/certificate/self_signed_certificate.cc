#include "keystore/certificate/self_signed_certificate.h"

#include <openssl/rand.h>

#include <ctime>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "keystore/certificate/x509_builder.h"

namespace keyward {
namespace {

constexpr int kSerialBytes = 16;
constexpr int kMaxCommonNameBytes = 64;  // ub-common-name of RFC 5280, appendix A.1

absl::Status SetRandomSerial(X509* certificate) {
  uint8_t bytes[kSerialBytes];
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) return OpensslError("cannot make a serial number");
  const BignumPtr number(BN_bin2bn(bytes, sizeof(bytes), nullptr));
  if (number == nullptr ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) == nullptr) {
    return OpensslError("cannot set the serial number");
  }
  return absl::OkStatus();
}

absl::Status AddExtension(X509* certificate, int nid, const char* value) {
  ASSIGN_OR_RETURN(const ExtensionPtr extension, MakeExtension(nid, value, certificate));
  if (X509_add_ext(certificate, extension.get(), -1) == 1) return absl::OkStatus();
  return OpensslError("cannot add an extension");
}

absl::Status SetSubject(X509* certificate, const std::string& common_name) {
  X509_NAME* name = X509_get_subject_name(certificate);
  RETURN_IF_ERROR(AddNameEntry(name, NID_commonName, common_name));
  if (X509_set_issuer_name(certificate, name) == 1) return absl::OkStatus();
  return OpensslError("cannot set the issuer");
}

absl::Status SetValidity(X509* certificate, time_t not_before, time_t not_after) {
  if (ASN1_TIME_set(X509_getm_notBefore(certificate), not_before) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), not_after) == nullptr) {
    return OpensslError("cannot set the validity");
  }
  return absl::OkStatus();
}

absl::Status CheckRequest(const CertificateRequest& request) {
  if (request.common_name.empty() || request.common_name.size() > kMaxCommonNameBytes) {
    return absl::InvalidArgumentError("a certificate's common name has 1 to 64 bytes");
  }
  if (request.validity < absl::Seconds(1)) {
    return absl::InvalidArgumentError("a certificate must be valid for a second at least");
  }
  return absl::OkStatus();
}

// Everything but the signature.
absl::StatusOr<X509Ptr> Build(const CertificateRequest& request, EVP_PKEY* key,
                              OSSL_LIB_CTX* library_context) {
  RETURN_IF_ERROR(CheckRequest(request));
  X509Ptr certificate(X509_new_ex(library_context, nullptr));
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return OpensslError("cannot build the certificate");
  }
  RETURN_IF_ERROR(SetRandomSerial(certificate.get()));
  RETURN_IF_ERROR(SetSubject(certificate.get(), request.common_name));
  RETURN_IF_ERROR(SetValidity(certificate.get(), absl::ToTimeT(request.not_before),
                              absl::ToTimeT(request.not_before + request.validity)));
  RETURN_IF_ERROR(AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE"));
  RETURN_IF_ERROR(AddExtension(certificate.get(), NID_key_usage, "critical,digitalSignature"));
  RETURN_IF_ERROR(AddExtension(certificate.get(), NID_subject_key_identifier, "hash"));
  return certificate;
}

// Reads back what was signed, so that the signature is verified in software over the
// bytes that leave, by the key that they hold.
absl::StatusOr<IssuedCertificate> Finish(X509* signed_certificate) {
  IssuedCertificate issued;
  ASSIGN_OR_RETURN(issued.der, EncodeDer<&i2d_X509>(signed_certificate));
  if (issued.der.size() > kMaxCertificateBytes) {
    return absl::InternalError(absl::StrCat("the certificate has ", issued.der.size(),
                                            " bytes; Salesforce takes ", kMaxCertificateBytes));
  }
  ASSIGN_OR_RETURN(const X509Ptr certificate, ParseCertificate(issued.der));
  if (X509_verify(certificate.get(), X509_get0_pubkey(certificate.get())) != 1) {
    return OpensslError("the token's signature on the certificate does not verify");
  }
  ASSIGN_OR_RETURN(issued.not_after, ToTime(X509_get0_notAfter(certificate.get())));
  return issued;
}

}  // namespace

absl::StatusOr<IssuedCertificate> IssueSelfSignedCertificate(const CertificateRequest& request,
                                                             EVP_PKEY& key,
                                                             OSSL_LIB_CTX* library_context) {
  ASSIGN_OR_RETURN(const X509Ptr certificate, Build(request, &key, library_context));
  ASSIGN_OR_RETURN(const EvpMdCtxPtr context, NewSigningContext(key, library_context));
  if (X509_sign_ctx(certificate.get(), context.get()) <= 0) {
    return OpensslError("the key does not sign the certificate");
  }
  return Finish(certificate.get());
}

}  // namespace keyward
