// A token's key as OpenSSL's, and the certificates it signs.
#ifndef KEYWARD_KEYSTORE_LIFECYCLE_TOKEN_KEY_H_
#define KEYWARD_KEYSTORE_LIFECYCLE_TOKEN_KEY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/openssl.h"
#include "keystore/pkcs11/session_pool.h"
#include "keystore/provider/compiled_in.h"
#include "keystore/registry/registry.h"

namespace keyward {

// An EVP_PKEY that signs with the private key `handle` in the lease's session; to be
// used in one thread, and not after the lease has died. `public_key` is its public
// half. What the token answers is reported to the lease.
absl::StatusOr<EvpPkeyPtr> MakeTokenKey(const provider::SigningContext& signing,
                                        pkcs11::SessionLease& lease, CK_OBJECT_HANDLE handle,
                                        const EVP_PKEY& public_key);

// A self-signed certificate of that key for the connection of that name, which is its
// subject ("Keyward audit" for registry::kAuditConnection), valid from now on, and the key's
// thumbprint. The token has signed it; nothing is stored.
absl::StatusOr<registry::IssuedKey> IssueSelfSigned(
    const provider::SigningContext& signing, pkcs11::SessionLease& lease, CK_OBJECT_HANDLE handle,
    const EVP_PKEY& public_key, absl::string_view connection, absl::Duration validity);

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_LIFECYCLE_TOKEN_KEY_H_
