#include "keystore/pkcs11/certificate_objects.h"

#include <algorithm>
#include <utility>

#include "common/openssl.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
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

absl::Status Replace(SessionLease& administration, absl::string_view label,
                     absl::string_view key_id, absl::string_view der) {
  ASSIGN_OR_RETURN(const X509Ptr certificate, ParseCertificate(der));
  const Session& session = administration.session();
  ASSIGN_OR_RETURN(std::vector<CertificateObject> old, Find(session, key_id));
  const auto same = std::find_if(old.begin(), old.end(),
                                 [der](const CertificateObject& one) { return one.der == der; });
  if (same == old.end()) {
    RETURN_IF_ERROR(administration.StoreCertificate(*certificate, label, key_id));
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
  absl::Status status = Replace(administration, label, key_id, der);
  administration.Report(status);
  return status;
}

}  // namespace keyward::pkcs11
