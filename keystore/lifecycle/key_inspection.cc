#include "keystore/lifecycle/key_inspection.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/status_macros.h"
#include "keystore/lifecycle/version_choice.h"
#include "keystore/pkcs11/certificate_objects.h"

namespace keyward {
namespace {

absl::StatusOr<TokenCertificate> CompareCertificate(const pkcs11::SessionLease& lease,
                                                    const registry::KeyVersion& version) {
  ASSIGN_OR_RETURN(const std::vector<std::string> present,
                   pkcs11::FindCertificates(lease.session(), version.key_id));
  if (present.empty()) return TokenCertificate::kMissing;
  const bool same = std::all_of(present.begin(), present.end(), [&](const std::string& der) {
    return der == version.certificate_der;
  });
  return same ? TokenCertificate::kSame : TokenCertificate::kDifferent;
}

absl::Status Read(const pkcs11::SessionLease& lease, KeyInspection& inspection) {
  ASSIGN_OR_RETURN(inspection.details,
                   pkcs11::ReadKeyDetails(lease.session(), inspection.version.key_id));
  ASSIGN_OR_RETURN(inspection.token_certificate, CompareCertificate(lease, inspection.version));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<KeyInspection> InspectKey(const Keystore& keystore, absl::string_view connection,
                                         std::optional<uint32_t> number, absl::Time deadline) {
  KeyInspection inspection;
  ASSIGN_OR_RETURN(inspection.version, ChooseVersion(keystore.registry, connection, number));
  RETURN_IF_ERROR(CheckHasKey(inspection.version));
  ASSIGN_OR_RETURN(pkcs11::SessionLease lease, keystore.pool.TakeForAdministration(deadline));
  const absl::Status read = Read(lease, inspection);
  lease.Report(read);
  RETURN_IF_ERROR(read);
  const absl::StatusOr<CK_OBJECT_HANDLE> usable = lease.FindKey(inspection.version.key_id);
  if (!usable.ok()) inspection.refusal = std::string(usable.status().message());
  return inspection;
}

}  // namespace keyward
