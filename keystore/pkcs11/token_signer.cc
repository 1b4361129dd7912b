#include "keystore/pkcs11/token_signer.h"

#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"

namespace keyward::pkcs11 {

absl::StatusOr<std::string> SignRs256(const Session& session, Rs256Mechanism mechanism,
                                      CK_OBJECT_HANDLE key, absl::string_view message,
                                      size_t signature_bytes) {
  const CK_FUNCTION_LIST& functions = session.functions();
  std::string input = SigningInput(mechanism, message);
  CK_MECHANISM ck_mechanism = {MechanismType(mechanism), nullptr, 0};
  RETURN_IF_ERROR(
      CkStatus(functions.C_SignInit(session.handle(), &ck_mechanism, key), "C_SignInit"));

  std::string signature(signature_bytes, '\0');
  CK_ULONG length = static_cast<CK_ULONG>(signature.size());
  const CK_RV rv = functions.C_Sign(session.handle(), reinterpret_cast<CK_BYTE_PTR>(input.data()),
                                    static_cast<CK_ULONG>(input.size()),
                                    reinterpret_cast<CK_BYTE_PTR>(signature.data()), &length);
  // PKCS#11 5.13: with CKR_BUFFER_TOO_SMALL the operation stays active, so the
  // session would be stuck in it. It also means that the key is not the one that
  // the certificate is for.
  RETURN_IF_ERROR(CkStatus(rv == CKR_BUFFER_TOO_SMALL ? CKR_OPERATION_ACTIVE : rv, "C_Sign"));
  if (length != signature.size()) {
    return absl::InternalError("C_Sign: the signature is shorter than the modulus");
  }
  return signature;
}

}  // namespace keyward::pkcs11
