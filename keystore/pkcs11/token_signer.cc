#include "keystore/pkcs11/token_signer.h"

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"

namespace keyward::pkcs11 {
namespace {

absl::StatusOr<std::string> Sign(const Session& session, CK_MECHANISM& mechanism,
                                 CK_OBJECT_HANDLE key, std::string& input, size_t signature_bytes) {
  const CK_FUNCTION_LIST& functions = session.functions();
  RETURN_IF_ERROR(CkStatus(functions.C_SignInit(session.handle(), &mechanism, key), "C_SignInit"));

  std::string signature(signature_bytes, '\0');
  CK_ULONG length = static_cast<CK_ULONG>(signature.size());
  const CK_RV rv = functions.C_Sign(session.handle(), reinterpret_cast<CK_BYTE_PTR>(input.data()),
                                    static_cast<CK_ULONG>(input.size()),
                                    reinterpret_cast<CK_BYTE_PTR>(signature.data()), &length);
  // PKCS#11 5.13: with CKR_BUFFER_TOO_SMALL the operation stays active, so the
  // session would be stuck in it. It also means that the key is not the one that
  // the caller knows the public half of.
  RETURN_IF_ERROR(CkStatus(rv == CKR_BUFFER_TOO_SMALL ? CKR_OPERATION_ACTIVE : rv, "C_Sign"));
  if (length != signature.size()) {
    return absl::InternalError("C_Sign: the signature is shorter than the key's must be");
  }
  return signature;
}

absl::Status CheckLengths(const SignatureScheme& scheme, size_t digest_bytes,
                          size_t signature_bytes) {
  if (digest_bytes != DigestBytes(scheme.digest)) {
    return absl::InvalidArgumentError(absl::StrCat("the digest has ", digest_bytes,
                                                   " bytes; the hash function makes ",
                                                   DigestBytes(scheme.digest)));
  }
  // RFC 8017 section 9.1.1, step 3.
  const size_t taken = digest_bytes + 2;
  if (scheme.kind == SignatureScheme::Kind::kRsaPss &&
      (signature_bytes < taken || scheme.salt_bytes > signature_bytes - taken)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a PSS salt of ", scheme.salt_bytes, " bytes is too long for this key"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> SignRs256(const Session& session, Rs256Mechanism mechanism,
                                      CK_OBJECT_HANDLE key, absl::string_view message,
                                      size_t signature_bytes) {
  std::string input = SigningInput(mechanism, message);
  CK_MECHANISM ck_mechanism = {MechanismType(mechanism), nullptr, 0};
  return Sign(session, ck_mechanism, key, input, signature_bytes);
}

absl::StatusOr<std::string> SignDigest(const Session& session, const SignatureScheme& scheme,
                                       CK_OBJECT_HANDLE key, absl::string_view digest,
                                       size_t signature_bytes) {
  RETURN_IF_ERROR(CheckLengths(scheme, digest.size(), signature_bytes));
  std::string input = SigningInput(scheme, digest, signature_bytes / 2);
  SchemeMechanism mechanism(scheme);
  return Sign(session, mechanism.mechanism, key, input, signature_bytes);
}

}  // namespace keyward::pkcs11
