// Between the keystore's structures of key versions and the API's messages.
#ifndef KEYWARD_SIGNER_KEY_CONVERSIONS_H_
#define KEYWARD_SIGNER_KEY_CONVERSIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "keystore/certificate/certificate_signing_request.h"
#include "keystore/lifecycle/key_inspection.h"
#include "keystore/registry/registry.h"
#include "keyward/v1/key_versions.pb.h"

namespace keyward::signer {

// All but where on the token the key lies. INTERNAL where the stored certificate does
// not parse.
absl::StatusOr<v1::KeyVersionDetails> ToProto(const KeyInspection& inspection);

// Adds where the key lies: uri, label and key_id.
void AddLocation(const KeyInspection& inspection, v1::KeyVersionDetails& proto);

CsrSubject SubjectFromProto(const v1::CertificateSubject& subject);
SubjectAltNames NamesFromProto(const v1::SubjectAltNames& names);

// The JWK Set (RFC 7517) of those versions whose signatures verifiers may meet:
// PENDING, ACTIVE and RETIRING.
absl::StatusOr<std::string> VerificationKeys(const std::vector<registry::KeyVersion>& versions);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_KEY_CONVERSIONS_H_
