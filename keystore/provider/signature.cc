#include "keystore/provider/signature.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "keystore/provider/dispatch.h"
#include "keystore/provider/provider_error.h"
#include "keystore/provider/signature_context.h"

namespace keyward::provider {
namespace {

using Operation = SignatureContext::Operation;

SignatureContext& Of(void* context) { return *static_cast<SignatureContext*>(context); }

int Result(void* context, const absl::Status& status, const char* function) {
  return Of(context).provider().errors().Check(status, function) ? 1 : 0;
}

absl::string_view View(const unsigned char* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

void* New(void* provctx, const char* /*property_query*/) {
  return std::make_unique<SignatureContext>(ContextOf(provctx)).release();
}

void Free(void* context) { delete static_cast<SignatureContext*>(context); }

void* Duplicate(void* context) {
  absl::StatusOr<std::unique_ptr<SignatureContext>> copy = Of(context).Copy();
  return Result(context, copy.status(), "dup") == 1 ? copy->release() : nullptr;
}

absl::Status Start(void* context, void* keydata, Operation operation, const OSSL_PARAM params[]) {
  RETURN_IF_ERROR(Of(context).Begin(static_cast<const Key*>(keydata), operation));
  return Of(context).SetParams(params);
}

absl::Status StartDigest(void* context, const char* digest, void* keydata, Operation operation,
                         const OSSL_PARAM params[]) {
  RETURN_IF_ERROR(Of(context).Begin(static_cast<const Key*>(keydata), operation));
  RETURN_IF_ERROR(Of(context).BeginDigest(digest == nullptr ? "" : digest));
  return Of(context).SetParams(params);
}

absl::Status SignInto(void* context, absl::string_view digest, unsigned char* signature,
                      size_t* length, size_t size) {
  ASSIGN_OR_RETURN(const std::string made, Of(context).Sign(digest));
  if (made.size() > size) {
    return ProviderError(Reason::kParameterInvalid,
                         absl::StrCat("the buffer for the signature has ", size, " bytes and ",
                                      made.size(), " are needed"));
  }
  std::copy(made.begin(), made.end(), signature);
  *length = made.size();
  return absl::OkStatus();
}

absl::Status DigestSignInto(void* context, unsigned char* signature, size_t* length, size_t size) {
  ASSIGN_OR_RETURN(const std::string digest, Of(context).FinishDigest());
  return SignInto(context, digest, signature, length, size);
}

int SignInit(void* context, void* keydata, const OSSL_PARAM params[]) {
  return Result(context, Start(context, keydata, Operation::kSign, params), "sign_init");
}

int Sign(void* context, unsigned char* signature, size_t* length, size_t size,
         const unsigned char* digest, size_t digest_length) {
  if (signature == nullptr) {
    *length = Of(context).MaxSignatureBytes();
    return 1;
  }
  return Result(context, SignInto(context, View(digest, digest_length), signature, length, size),
                "sign");
}

int VerifyInit(void* context, void* keydata, const OSSL_PARAM params[]) {
  return Result(context, Start(context, keydata, Operation::kVerify, params), "verify_init");
}

// A signature that does not verify is no error of the provider's.
int Verify(void* context, const unsigned char* signature, size_t length,
           const unsigned char* digest, size_t digest_length) {
  const absl::StatusOr<bool> valid =
      Of(context).Verify(View(signature, length), View(digest, digest_length));
  return Result(context, valid.status(), "verify") == 1 && *valid ? 1 : 0;
}

int DigestSignInit(void* context, const char* digest, void* keydata, const OSSL_PARAM params[]) {
  return Result(context, StartDigest(context, digest, keydata, Operation::kSign, params),
                "digest_sign_init");
}

int DigestVerifyInit(void* context, const char* digest, void* keydata, const OSSL_PARAM params[]) {
  return Result(context, StartDigest(context, digest, keydata, Operation::kVerify, params),
                "digest_verify_init");
}

int DigestUpdate(void* context, const unsigned char* data, size_t length) {
  return Result(context, Of(context).UpdateDigest(View(data, length)), "digest_update");
}

int DigestSignFinal(void* context, unsigned char* signature, size_t* length, size_t size) {
  if (signature == nullptr) {
    *length = Of(context).MaxSignatureBytes();
    return 1;
  }
  return Result(context, DigestSignInto(context, signature, length, size), "digest_sign");
}

int DigestSign(void* context, unsigned char* signature, size_t* length, size_t size,
               const unsigned char* data, size_t data_length) {
  if (signature != nullptr && DigestUpdate(context, data, data_length) != 1) return 0;
  return DigestSignFinal(context, signature, length, size);
}

int DigestVerifyFinal(void* context, const unsigned char* signature, size_t length) {
  const absl::StatusOr<std::string> digest = Of(context).FinishDigest();
  if (Result(context, digest.status(), "digest_verify") != 1) return 0;
  return Verify(context, signature, length, reinterpret_cast<const uint8_t*>(digest->data()),
                digest->size());
}

int DigestVerify(void* context, const unsigned char* signature, size_t length,
                 const unsigned char* data, size_t data_length) {
  if (DigestUpdate(context, data, data_length) != 1) return 0;
  return DigestVerifyFinal(context, signature, length);
}

int SetParams(void* context, const OSSL_PARAM params[]) {
  return Result(context, Of(context).SetParams(params), "set_ctx_params");
}

int GetParams(void* context, OSSL_PARAM params[]) {
  return Result(context, Of(context).GetParams(params), "get_ctx_params");
}

template <bool kRsa>
const OSSL_PARAM* SettableParams(void* /*context*/, void* /*provctx*/) {
  static const OSSL_PARAM kRsaParams[] = {
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, nullptr, 0), OSSL_PARAM_END};
  static const OSSL_PARAM kEcdsaParams[] = {
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, nullptr, 0), OSSL_PARAM_END};
  return kRsa ? kRsaParams : kEcdsaParams;
}

template <bool kRsa>
const OSSL_PARAM* GettableParams(void* /*context*/, void* /*provctx*/) {
  static const OSSL_PARAM kRsaParams[] = {
      OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, nullptr, 0),
      OSSL_PARAM_END};
  static const OSSL_PARAM kEcdsaParams[] = {
      OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, nullptr, 0),
      OSSL_PARAM_size_t(OSSL_SIGNATURE_PARAM_DIGEST_SIZE, nullptr), OSSL_PARAM_END};
  return kRsa ? kRsaParams : kEcdsaParams;
}

template <bool kRsa>
const OSSL_DISPATCH* Functions() {
  static const OSSL_DISPATCH kFunctions[] = {
      Entry<OSSL_FUNC_signature_newctx_fn>(OSSL_FUNC_SIGNATURE_NEWCTX, &New),
      Entry<OSSL_FUNC_signature_freectx_fn>(OSSL_FUNC_SIGNATURE_FREECTX, &Free),
      Entry<OSSL_FUNC_signature_dupctx_fn>(OSSL_FUNC_SIGNATURE_DUPCTX, &Duplicate),
      Entry<OSSL_FUNC_signature_sign_init_fn>(OSSL_FUNC_SIGNATURE_SIGN_INIT, &SignInit),
      Entry<OSSL_FUNC_signature_sign_fn>(OSSL_FUNC_SIGNATURE_SIGN, &Sign),
      Entry<OSSL_FUNC_signature_verify_init_fn>(OSSL_FUNC_SIGNATURE_VERIFY_INIT, &VerifyInit),
      Entry<OSSL_FUNC_signature_verify_fn>(OSSL_FUNC_SIGNATURE_VERIFY, &Verify),
      Entry<OSSL_FUNC_signature_digest_sign_init_fn>(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT,
                                                     &DigestSignInit),
      Entry<OSSL_FUNC_signature_digest_sign_update_fn>(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE,
                                                       &DigestUpdate),
      Entry<OSSL_FUNC_signature_digest_sign_final_fn>(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL,
                                                      &DigestSignFinal),
      Entry<OSSL_FUNC_signature_digest_sign_fn>(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, &DigestSign),
      Entry<OSSL_FUNC_signature_digest_verify_init_fn>(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT,
                                                       &DigestVerifyInit),
      Entry<OSSL_FUNC_signature_digest_verify_update_fn>(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE,
                                                         &DigestUpdate),
      Entry<OSSL_FUNC_signature_digest_verify_final_fn>(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL,
                                                        &DigestVerifyFinal),
      Entry<OSSL_FUNC_signature_digest_verify_fn>(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, &DigestVerify),
      Entry<OSSL_FUNC_signature_set_ctx_params_fn>(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, &SetParams),
      Entry<OSSL_FUNC_signature_settable_ctx_params_fn>(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS,
                                                        &SettableParams<kRsa>),
      Entry<OSSL_FUNC_signature_get_ctx_params_fn>(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, &GetParams),
      Entry<OSSL_FUNC_signature_gettable_ctx_params_fn>(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS,
                                                        &GettableParams<kRsa>),
      kEndOfDispatch};
  return kFunctions;
}

}  // namespace

const OSSL_ALGORITHM* SignatureAlgorithms() {
  static const OSSL_ALGORITHM kAlgorithms[] = {
      {"RSA:rsaEncryption:1.2.840.113549.1.1.1", kPropertyQuery, Functions<true>(),
       "RSA signatures by a PKCS#11 token"},
      {"ECDSA", kPropertyQuery, Functions<false>(), "ECDSA signatures by a PKCS#11 token"},
      {nullptr, nullptr, nullptr, nullptr}};
  return kAlgorithms;
}

}  // namespace keyward::provider
