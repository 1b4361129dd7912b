#include "keystore/pkcs11/certificate_objects.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/error.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/cryptoki_types.h"
#include "keystore/pkcs11/object_finder.h"

namespace keyward::pkcs11 {
namespace {

struct CertificateObject {
  CK_OBJECT_HANDLE handle;
  // CKA_VALUE; empty where the token has none, as of one that is elsewhere (CKA_URL).
  std::string der;
};

absl::StatusOr<std::vector<CertificateObject>> Find(const Session& session,
                                                    absl::string_view key_id) {
  ASSIGN_OR_RETURN(const auto handles, FindObjectsById(session, CKO_CERTIFICATE, key_id));
  std::vector<CertificateObject> certificates;
  for (const CK_OBJECT_HANDLE handle : handles) {
    ASSIGN_OR_RETURN(auto der, IfAnswered(ReadBytes(session, handle, CKA_VALUE)));
    certificates.push_back({handle, std::move(der).value_or("")});
  }
  return certificates;
}

// A public object: what it says is on its way to Salesforce anyway. Names and serial
// number are DER (PKCS#11 section 4.6.3).
absl::Status Store(const Session& session, absl::string_view label, absl::string_view key_id,
                   absl::string_view der) {
  ASSIGN_OR_RETURN(const X509Ptr certificate, ParseCertificate(der));
  ASSIGN_OR_RETURN(const std::string subject,
                   EncodeDer<&i2d_X509_NAME>(X509_get_subject_name(certificate.get())));
  ASSIGN_OR_RETURN(const std::string issuer,
                   EncodeDer<&i2d_X509_NAME>(X509_get_issuer_name(certificate.get())));
  ASSIGN_OR_RETURN(const std::string serial,
                   EncodeDer<&i2d_ASN1_INTEGER>(X509_get0_serialNumber(certificate.get())));
  CK_OBJECT_CLASS object_class = CKO_CERTIFICATE;
  CK_CERTIFICATE_TYPE type = CKC_X_509;
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  CK_ATTRIBUTE attributes[] = {{CKA_CLASS, &object_class, sizeof(object_class)},
                               {CKA_CERTIFICATE_TYPE, &type, sizeof(type)},
                               {CKA_TOKEN, &yes, sizeof(yes)},
                               {CKA_PRIVATE, &no, sizeof(no)},
                               BytesAttribute(CKA_LABEL, label),
                               BytesAttribute(CKA_ID, key_id),
                               BytesAttribute(CKA_SUBJECT, subject),
                               BytesAttribute(CKA_ISSUER, issuer),
                               BytesAttribute(CKA_SERIAL_NUMBER, serial),
                               BytesAttribute(CKA_VALUE, der)};
  CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
  return CkStatus(session.functions().C_CreateObject(session.handle(), attributes,
                                                     std::size(attributes), &object),
                  "C_CreateObject");
}

absl::Status Replace(const Session& session, absl::string_view label, absl::string_view key_id,
                     absl::string_view der) {
  ASSIGN_OR_RETURN(std::vector<CertificateObject> old, Find(session, key_id));
  const auto same = std::find_if(old.begin(), old.end(),
                                 [der](const CertificateObject& one) { return one.der == der; });
  if (same == old.end()) {
    RETURN_IF_ERROR(Store(session, label, key_id, der));
  } else {
    old.erase(same);
  }
  for (const CertificateObject& one : old) {
    RETURN_IF_ERROR(CkStatus(session.functions().C_DestroyObject(session.handle(), one.handle),
                             "C_DestroyObject"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> FindCertificates(const Session& session,
                                                          absl::string_view key_id) {
  ASSIGN_OR_RETURN(std::vector<CertificateObject> found, Find(session, key_id));
  std::vector<std::string> certificates;
  for (CertificateObject& one : found) {
    if (!one.der.empty()) certificates.push_back(std::move(one.der));
  }
  return certificates;
}

absl::Status ReplaceCertificate(SessionLease& administration, absl::string_view label,
                                absl::string_view key_id, absl::string_view der) {
  absl::Status status = Replace(administration.session(), label, key_id, der);
  // For other calls this code says that the session is lost; here it says that the
  // certificate finds no room, which must not cost all others their sessions.
  if (CkRvOf(status) == CKR_DEVICE_MEMORY) {
    return Error(absl::StatusCode::kResourceExhausted, "TOKEN_FULL",
                 "the token has no room for the certificate; ask the operator to remove objects "
                 "that are not needed");
  }
  administration.Report(status);
  return status;
}

}  // namespace keyward::pkcs11
