#include "keystore/certificate/self_signed_certificate.h"

#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace keyward {
namespace {

constexpr int kSerialBytes = 16;
constexpr int kMaxCommonNameBytes = 64;  // ub-common-name of RFC 5280, appendix A.1

using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslDeleter<&X509_EXTENSION_free>>;

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
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return OpensslError("cannot add an extension");
  }
  return absl::OkStatus();
}

absl::Status SetSubject(X509* certificate, const std::string& common_name) {
  X509_NAME* name = X509_get_subject_name(certificate);
  if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const uint8_t*>(common_name.data()),
                                 static_cast<int>(common_name.size()), -1, 0) != 1 ||
      X509_set_issuer_name(certificate, name) != 1) {
    return OpensslError("cannot set the subject");
  }
  return absl::OkStatus();
}

absl::Status SetValidity(X509* certificate, time_t not_before, time_t not_after) {
  if (ASN1_TIME_set(X509_getm_notBefore(certificate), not_before) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), not_after) == nullptr) {
    return OpensslError("cannot set the validity");
  }
  return absl::OkStatus();
}

// OpenSSL 3.0 can sign a certificate only with a key that it holds itself, so the
// algorithm and the signature are written into the structure that it shows as
// const. X509_verify() checks the result.
absl::Status SignWith(X509* certificate, const Rs256SignFunction& sign) {
  const ASN1_BIT_STRING* signature = nullptr;
  const X509_ALGOR* outer = nullptr;
  X509_get0_signature(&signature, &outer, certificate);
  const X509_ALGOR* inner = X509_get0_tbs_sigalg(certificate);
  for (const X509_ALGOR* algorithm : {outer, inner}) {
    if (X509_ALGOR_set0(const_cast<X509_ALGOR*>(algorithm),
                        OBJ_nid2obj(NID_sha256WithRSAEncryption), V_ASN1_NULL, nullptr) != 1) {
      return OpensslError("cannot set the signature algorithm");
    }
  }
  uint8_t* encoded = nullptr;
  const int length = i2d_re_X509_tbs(certificate, &encoded);
  if (length <= 0) return OpensslError("cannot encode the certificate");
  const std::string to_be_signed(reinterpret_cast<char*>(encoded), static_cast<size_t>(length));
  OPENSSL_free(encoded);

  ASSIGN_OR_RETURN(const std::string value, sign(to_be_signed));
  auto* bits = const_cast<ASN1_BIT_STRING*>(signature);
  if (ASN1_BIT_STRING_set(bits, reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())),
                          static_cast<int>(value.size())) != 1) {
    return OpensslError("cannot set the signature");
  }
  // No unused bits at the end (X.690 section 8.6.2), which OpenSSL would
  // otherwise work out from trailing zeros.
  bits->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07);
  bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;
  return absl::OkStatus();
}

absl::StatusOr<std::string> Encode(X509* certificate) {
  uint8_t* encoded = nullptr;
  const int length = i2d_X509(certificate, &encoded);
  if (length <= 0) return OpensslError("cannot encode the certificate");
  std::string der(reinterpret_cast<char*>(encoded), static_cast<size_t>(length));
  OPENSSL_free(encoded);
  if (der.size() > kMaxCertificateBytes) {
    return absl::InternalError(absl::StrCat("the certificate has ", der.size(),
                                            " bytes; Salesforce takes ", kMaxCertificateBytes));
  }
  return der;
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

}  // namespace

absl::StatusOr<IssuedCertificate> IssueSelfSignedCertificate(const CertificateRequest& request,
                                                             const EVP_PKEY& public_key,
                                                             const Rs256SignFunction& sign) {
  RETURN_IF_ERROR(CheckRequest(request));
  const time_t not_before = absl::ToTimeT(request.not_before);
  const time_t not_after = absl::ToTimeT(request.not_before + request.validity);
  auto* key = const_cast<EVP_PKEY*>(&public_key);

  const X509Ptr certificate(X509_new());
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return OpensslError("cannot build the certificate");
  }
  RETURN_IF_ERROR(SetRandomSerial(certificate.get()));
  RETURN_IF_ERROR(SetSubject(certificate.get(), request.common_name));
  RETURN_IF_ERROR(SetValidity(certificate.get(), not_before, not_after));
  RETURN_IF_ERROR(AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE"));
  RETURN_IF_ERROR(AddExtension(certificate.get(), NID_key_usage, "critical,digitalSignature"));
  RETURN_IF_ERROR(AddExtension(certificate.get(), NID_subject_key_identifier, "hash"));
  RETURN_IF_ERROR(SignWith(certificate.get(), sign));
  if (X509_verify(certificate.get(), key) != 1) {
    return OpensslError("the token's signature on the certificate does not verify");
  }
  ASSIGN_OR_RETURN(std::string der, Encode(certificate.get()));
  return IssuedCertificate{std::move(der), absl::FromTimeT(not_after)};
}

}  // namespace keyward
