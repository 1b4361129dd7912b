#include "keystore/lifecycle/key_adoption.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/openssl.h"
#include "common/rsa_public_key.h"
#include "common/status_macros.h"
#include "keystore/certificate/imported_certificate.h"
#include "keystore/lifecycle/token_key.h"
#include "keystore/pkcs11/certificate_objects.h"
#include "keystore/pkcs11/key_details.h"
#include "keystore/pkcs11/object_finder.h"

namespace keyward {
namespace {

using registry::IssuedKey;

constexpr char kAlgorithm[] = "RS256";

absl::StatusOr<IssuedKey> TakeCertificate(const std::string& der, const EVP_PKEY& public_key) {
  absl::StatusOr<ImportedCertificate> imported =
      CheckImportedCertificate(der, {}, public_key, absl::Now());
  RETURN_IF_ERROR(
      Annotate(imported.status(), "the certificate that lies beside the key on the token"));
  ASSIGN_OR_RETURN(std::string kid, JwkThumbprint(public_key));
  return IssuedKey{
      .certificate_der = der, .kid = std::move(kid), .certificate_not_after = imported->not_after};
}

absl::StatusOr<IssuedKey> CertificateFor(const Keystore& keystore, const AdoptionOptions& options,
                                         absl::string_view connection, pkcs11::SessionLease& lease,
                                         const pkcs11::AdoptableKey& key,
                                         const EVP_PKEY& public_key,
                                         absl::FunctionRef<absl::Status()> check_signed) {
  ASSIGN_OR_RETURN(const std::vector<std::string> present,
                   pkcs11::FindCertificates(lease.session(), key.key_id));
  if (present.size() == 1) return TakeCertificate(present.front(), public_key);
  if (present.size() > 1) {
    return Error(absl::StatusCode::kFailedPrecondition, "KEY_NOT_ADOPTABLE",
                 absl::StrCat("the token has ", present.size(),
                              " certificates with the key's CKA_ID; leave the one to be used"));
  }
  ASSIGN_OR_RETURN(IssuedKey issued,
                   IssueSelfSigned(keystore.signing, lease, key.handle, public_key, connection,
                                   options.certificate_validity));
  RETURN_IF_ERROR(check_signed());
  // Before the registry knows of it: adopting again after a failure in between takes
  // the certificate that is there then.
  ASSIGN_OR_RETURN(const std::string label,
                   pkcs11::ReadBytes(lease.session(), key.handle, CKA_LABEL));
  RETURN_IF_ERROR(pkcs11::ReplaceCertificate(lease, label, key.key_id, issued.certificate_der));
  return issued;
}

// A URI that says neither would mean whatever key happens to be alone.
absl::StatusOr<pkcs11::ObjectUri> ParseKeyUri(const std::string& text) {
  absl::StatusOr<pkcs11::ObjectUri> uri = pkcs11::ObjectUri::Parse(text);
  absl::string_view mistake = uri.status().message();
  if (uri.ok()) {
    if (uri->object() || uri->id()) return uri;
    mistake = "the URI names no key; write pkcs11:object=LABEL or pkcs11:id=%01%02";
  }
  return Error(absl::StatusCode::kInvalidArgument, "KEY_URI_INVALID", mistake);
}

}  // namespace

absl::StatusOr<registry::KeyVersion> AdoptKey(const Keystore& keystore,
                                              const AdoptionOptions& options,
                                              absl::string_view connection, const std::string& uri,
                                              absl::Time deadline,
                                              absl::FunctionRef<absl::Status()> check_signed) {
  ASSIGN_OR_RETURN(const pkcs11::ObjectUri key_uri, ParseKeyUri(uri));
  ASSIGN_OR_RETURN(const Turn::Held turn, keystore.turn.Take(deadline));
  RETURN_IF_ERROR(keystore.registry.GetConnection(connection).status());
  ASSIGN_OR_RETURN(pkcs11::SessionLease lease, keystore.pool.TakeForAdministration(deadline));
  const absl::StatusOr<pkcs11::AdoptableKey> key =
      pkcs11::FindKeyForAdoption(lease.session(), key_uri, options.scope, options.key_requirements);
  lease.Report(key.status());
  RETURN_IF_ERROR(key.status());
  // Before it signs anything: another connection's key must not.
  RETURN_IF_ERROR(keystore.registry.CheckKeyIdIsFree(key->key_id));
  ASSIGN_OR_RETURN(const EvpPkeyPtr public_key,
                   MakeRsaPublicKey(key->modulus, key->public_exponent));
  const absl::StatusOr<IssuedKey> issued =
      CertificateFor(keystore, options, connection, lease, *key, *public_key, check_signed);
  lease.Report(issued.status());
  RETURN_IF_ERROR(issued.status());
  ASSIGN_OR_RETURN(registry::KeyVersion version,
                   keystore.registry.AdoptKeyVersion(
                       connection, key->key_id, kAlgorithm,
                       static_cast<uint32_t>(EVP_PKEY_get_bits(public_key.get())), *issued));
  keystore.pool.AddKey(lease, key->key_id,
                       {.private_key = key->handle,
                        .modulus = key->modulus,
                        .public_exponent = key->public_exponent});
  return version;
}

std::string UriForRecord(const std::string& uri) {
  const absl::StatusOr<pkcs11::ObjectUri> parsed = pkcs11::ObjectUri::Parse(uri);
  return parsed.ok() && !parsed->pin_value() && !parsed->pin_source() ? uri : "";
}

}  // namespace keyward
