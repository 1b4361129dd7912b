#include "tests/standin/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::standin {
namespace {

absl::Status Malformed(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, "CERTIFICATE_MALFORMED", message);
}

absl::StatusOr<X509Ptr> ReadPem(absl::string_view pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return Malformed("the PEM text does not hold an X.509 certificate");
  const X509Ptr second(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (second != nullptr) return Malformed("upload one certificate, not a chain");
  return certificate;
}

absl::StatusOr<X509Ptr> ReadDer(absl::string_view der) {
  const auto* begin = reinterpret_cast<const uint8_t*>(der.data());
  const auto* end = begin;
  X509Ptr certificate(d2i_X509(nullptr, &end, static_cast<int>(der.size())));
  if (certificate == nullptr) {
    return Malformed("the upload is neither a PEM nor a DER X.509 certificate");
  }
  if (end != begin + der.size()) return Malformed("bytes follow the DER certificate");
  return certificate;
}

absl::StatusOr<std::string> ToPem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) return OpensslError("writing PEM");
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

}  // namespace

absl::StatusOr<UploadedCertificate> ParseCertificate(absl::string_view bytes) {
  const absl::Cleanup clear_errors = [] { ERR_clear_error(); };
  if (bytes.size() > kMaxCertificateBytes) {
    return Error(absl::StatusCode::kInvalidArgument, "CERTIFICATE_TOO_LARGE",
                 absl::StrCat("the certificate has ", bytes.size(), " bytes; at most ",
                              kMaxCertificateBytes, " are accepted, try DER in place of PEM"));
  }
  if (absl::StrContains(bytes, "PRIVATE KEY-----")) {
    return Malformed("this is a private key: upload the certificate, and replace that key");
  }
  X509Ptr certificate;
  if (absl::StrContains(bytes, "-----BEGIN")) {
    ASSIGN_OR_RETURN(certificate, ReadPem(bytes));
  } else {
    ASSIGN_OR_RETURN(certificate, ReadDer(bytes));
  }
  const std::shared_ptr<EVP_PKEY> key(X509_get_pubkey(certificate.get()), &EVP_PKEY_free);
  if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA ||
      EVP_PKEY_get_bits(key.get()) < 2048) {
    return Error(absl::StatusCode::kInvalidArgument, "CERTIFICATE_KEY_UNSUITABLE",
                 "the certificate's key must be RSA of at least 2048 bits");
  }
  ASSIGN_OR_RETURN(std::string pem, ToPem(certificate.get()));
  return UploadedCertificate{std::move(pem), key};
}

}  // namespace keyward::standin
