#include "keystore/lifecycle/key_certificates.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/openssl.h"
#include "common/rsa_public_key.h"
#include "common/status_macros.h"
#include "keystore/certificate/imported_certificate.h"
#include "keystore/lifecycle/token_key.h"
#include "keystore/lifecycle/version_choice.h"
#include "keystore/pkcs11/certificate_objects.h"
#include "keystore/pkcs11/object_finder.h"

namespace keyward {
namespace {

using pkcs11::SessionLease;
using registry::IssuedKey;
using registry::KeyVersion;

absl::StatusOr<CK_OBJECT_HANDLE> FindKey(const SessionLease& lease, const KeyVersion& version) {
  const absl::StatusOr<CK_OBJECT_HANDLE> handle = lease.FindKey(version.key_id);
  if (handle.ok()) return handle;
  return Error(absl::StatusCode::kFailedPrecondition, "KEY_REFUSED",
               absl::StrCat("the key of version ", version.number, " of ", version.connection,
                            " cannot be used; keyward key inspect says why"));
}

// What is done with a key of the token, with everything it needs at hand.
struct KeyInUse {
  KeyVersion version;
  SessionLease lease;
  CK_OBJECT_HANDLE handle;
  EvpPkeyPtr public_key;
};

absl::StatusOr<KeyInUse> UseKey(const Keystore& keystore, absl::string_view connection,
                                std::optional<uint32_t> number, absl::Time deadline) {
  ASSIGN_OR_RETURN(KeyVersion version, ChooseVersion(keystore.registry, connection, number));
  RETURN_IF_ERROR(CheckHasKey(version));
  ASSIGN_OR_RETURN(EvpPkeyPtr public_key, PublicKeyOfCertificate(version.certificate_der));
  ASSIGN_OR_RETURN(SessionLease lease, keystore.pool.TakeForAdministration(deadline));
  ASSIGN_OR_RETURN(const CK_OBJECT_HANDLE handle, FindKey(lease, version));
  return KeyInUse{std::move(version), std::move(lease), handle, std::move(public_key)};
}

absl::StatusOr<KeyVersion> Store(const Keystore& keystore, KeyInUse& key, const IssuedKey& issued) {
  const KeyVersion& version = key.version;
  // An adopted key keeps the label that it came with.
  absl::StatusOr<std::string> label = pkcs11::ReadBytes(key.lease.session(), key.handle, CKA_LABEL);
  key.lease.Report(label.status());
  RETURN_IF_ERROR(label.status());
  RETURN_IF_ERROR(
      pkcs11::ReplaceCertificate(key.lease, *label, version.key_id, issued.certificate_der));
  const absl::Status stored = keystore.registry.ReplaceCertificate(
      version.connection, version.number, version.certificate_der, issued);
  if (!stored.ok()) {
    // What lies on the token is for other programs; if it can't be put back, the next
    // renewal replaces it.
    pkcs11::ReplaceCertificate(key.lease, *label, version.key_id, version.certificate_der)
        .IgnoreError();
    return stored;
  }
  return ChooseVersion(keystore.registry, version.connection, version.number);
}

absl::Status CheckSelfSigned(const KeyVersion& version) {
  ASSIGN_OR_RETURN(const X509Ptr certificate, ParseCertificate(version.certificate_der));
  if (X509_self_signed(certificate.get(), /*verify_signature=*/0) == 1) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, "CERTIFICATE_FROM_CA",
               absl::StrCat("a CA issued the certificate of version ", version.number, " of ",
                            version.connection,
                            "; make a request with keyward key csr, have the CA issue a new one, "
                            "and import it"));
}

}  // namespace

absl::StatusOr<SignedRequest> CreateRequest(const Keystore& keystore, absl::string_view connection,
                                            std::optional<uint32_t> number,
                                            const CsrSubject& subject, const SubjectAltNames& names,
                                            absl::Time deadline) {
  ASSIGN_OR_RETURN(KeyInUse key, UseKey(keystore, connection, number, deadline));
  ASSIGN_OR_RETURN(const EvpPkeyPtr signing_key,
                   MakeTokenKey(keystore.signing, key.lease, key.handle, *key.public_key));
  ASSIGN_OR_RETURN(std::string der, CreateCertificateRequest(subject, names, *signing_key,
                                                             keystore.signing.library_context()));
  return SignedRequest{std::move(der), key.version.number};
}

absl::StatusOr<KeyVersion> ImportCertificate(const Keystore& keystore, absl::string_view connection,
                                             uint32_t number, const std::string& der,
                                             const std::vector<std::string>& chain,
                                             absl::Time deadline) {
  ASSIGN_OR_RETURN(const Turn::Held turn, keystore.turn.Take(deadline));
  ASSIGN_OR_RETURN(KeyInUse key, UseKey(keystore, connection, number, deadline));
  ASSIGN_OR_RETURN(ImportedCertificate imported,
                   CheckImportedCertificate(der, chain, *key.public_key, absl::Now()));
  return Store(keystore, key,
               {.certificate_der = der,
                .certificate_chain = std::move(imported.chain),
                .kid = key.version.kid,
                .certificate_not_after = imported.not_after});
}

absl::StatusOr<KeyVersion> RenewCertificate(const Keystore& keystore, absl::string_view connection,
                                            std::optional<uint32_t> number, absl::Duration validity,
                                            absl::Time deadline,
                                            absl::FunctionRef<absl::Status()> check_signed) {
  ASSIGN_OR_RETURN(const Turn::Held turn, keystore.turn.Take(deadline));
  ASSIGN_OR_RETURN(KeyInUse key, UseKey(keystore, connection, number, deadline));
  RETURN_IF_ERROR(CheckSelfSigned(key.version));
  ASSIGN_OR_RETURN(const IssuedKey issued, IssueSelfSigned(keystore.signing, key.lease, key.handle,
                                                           *key.public_key, connection, validity));
  RETURN_IF_ERROR(check_signed());
  return Store(keystore, key, issued);
}

}  // namespace keyward
