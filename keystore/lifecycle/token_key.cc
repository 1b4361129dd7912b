#include "keystore/lifecycle/token_key.h"

#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "common/rsa_public_key.h"
#include "common/status_macros.h"
#include "keystore/certificate/self_signed_certificate.h"
#include "keystore/pkcs11/token_signer.h"
#include "keystore/provider/private_key.h"

namespace keyward {
namespace {

// A verifier whose clock is a little behind must not find the certificate not
// yet valid.
constexpr absl::Duration kClockSkew = absl::Minutes(5);

// The audit key has no connection that anybody knows.
std::string CommonNameFor(absl::string_view connection) {
  return std::string(connection == registry::kAuditConnection ? "Keyward audit" : connection);
}

class LeasedKey final : public provider::PrivateKey {
 public:
  LeasedKey(pkcs11::SessionLease& lease, CK_OBJECT_HANDLE handle, size_t signature_bytes)
      : lease_(lease), handle_(handle), signature_bytes_(signature_bytes) {}

  absl::StatusOr<std::string> SignDigest(const pkcs11::SignatureScheme& scheme,
                                         absl::string_view digest) const override {
    absl::StatusOr<std::string> signature =
        pkcs11::SignDigest(lease_.session(), scheme, handle_, digest, signature_bytes_);
    lease_.Report(signature.status());
    return signature;
  }

 private:
  pkcs11::SessionLease& lease_;
  const CK_OBJECT_HANDLE handle_;
  const size_t signature_bytes_;
};

}  // namespace

absl::StatusOr<EvpPkeyPtr> MakeTokenKey(const provider::SigningContext& signing,
                                        pkcs11::SessionLease& lease, CK_OBJECT_HANDLE handle,
                                        const EVP_PKEY& public_key) {
  return signing.MakeKey(
      public_key, std::make_shared<LeasedKey>(lease, handle,
                                              static_cast<size_t>(EVP_PKEY_get_size(&public_key))));
}

absl::StatusOr<registry::IssuedKey> IssueSelfSigned(
    const provider::SigningContext& signing, pkcs11::SessionLease& lease, CK_OBJECT_HANDLE handle,
    const EVP_PKEY& public_key, absl::string_view connection, absl::Duration validity) {
  ASSIGN_OR_RETURN(std::string kid, JwkThumbprint(public_key));
  ASSIGN_OR_RETURN(const EvpPkeyPtr key, MakeTokenKey(signing, lease, handle, public_key));
  ASSIGN_OR_RETURN(IssuedCertificate certificate,
                   IssueSelfSignedCertificate({.common_name = CommonNameFor(connection),
                                               .not_before = absl::Now() - kClockSkew,
                                               .validity = validity},
                                              *key, signing.library_context()));
  return registry::IssuedKey{.certificate_der = std::move(certificate.der),
                             .kid = std::move(kid),
                             .certificate_not_after = certificate.not_after};
}

}  // namespace keyward
