// OpenSSL's parameters of a signature (provider-signature(7)), set and read.
#include <openssl/core_names.h>
#include <openssl/params.h>

#include <cstring>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "keystore/provider/algorithm_id.h"
#include "keystore/provider/digest.h"
#include "keystore/provider/error_queue.h"
#include "keystore/provider/provider_error.h"
#include "keystore/provider/signature_context.h"

namespace keyward::provider {
namespace {

struct Named {
  const char* name;
  int value;
};
constexpr Named kSaltLengths[] = {{"digest", RSA_PSS_SALTLEN_DIGEST},
                                  {"auto", RSA_PSS_SALTLEN_AUTO},
                                  {"max", RSA_PSS_SALTLEN_MAX}};
constexpr Named kPaddings[] = {{"pkcs1", RSA_PKCS1_PADDING}, {"pss", RSA_PKCS1_PSS_PADDING}};

// Bounded by the parameter's size: its text may end without a zero (OSSL_PARAM(3)).
std::optional<std::string> TextOf(const OSSL_PARAM& param) {
  const char* text = nullptr;
  if (OSSL_PARAM_get_utf8_string_ptr(&param, &text) != 1 || text == nullptr) return std::nullopt;
  return std::string(text, strnlen(text, param.data_size));
}

absl::Status NotReadable(const char* name) {
  return ProviderError(Reason::kParameterInvalid,
                       absl::StrCat("the parameter ", name, " is not of the right type"));
}

// Both forms are in use: a number, and text that is a name or a number.
template <size_t kCount>
absl::StatusOr<int> ReadNamed(const OSSL_PARAM& param, const Named (&names)[kCount]) {
  int value = 0;
  if (param.data_type != OSSL_PARAM_UTF8_STRING) {
    if (OSSL_PARAM_get_int(&param, &value) != 1) return NotReadable(param.key);
    return value;
  }
  const std::optional<std::string> text = TextOf(param);
  if (!text) return NotReadable(param.key);
  for (const Named& named : names) {
    if (*text == named.name) return named.value;
  }
  if (absl::SimpleAtoi(*text, &value)) return value;
  return ProviderError(Reason::kParameterInvalid,
                       absl::StrCat("\"", *text, "\" is no value for ", param.key));
}

template <size_t kCount>
bool WriteNamed(OSSL_PARAM& param, int value, const Named (&names)[kCount]) {
  if (param.data_type != OSSL_PARAM_UTF8_STRING) return OSSL_PARAM_set_int(&param, value) == 1;
  for (const Named& named : names) {
    if (named.value == value) return OSSL_PARAM_set_utf8_string(&param, named.name) == 1;
  }
  return OSSL_PARAM_set_utf8_string(&param, absl::StrCat(value).c_str()) == 1;
}

absl::StatusOr<std::string> ReadText(const OSSL_PARAM& param) {
  const std::optional<std::string> text = TextOf(param);
  if (!text) return NotReadable(param.key);
  return *text;
}

}  // namespace

absl::Status SignatureContext::SetPadding(const OSSL_PARAM& param) {
  absl::StatusOr<int> padding = ReadNamed(param, kPaddings);
  const bool known =
      padding.ok() &&
      (*padding == RSA_PKCS1_PSS_PADDING ||
       (*padding == RSA_PKCS1_PADDING && key_ != nullptr && key_->type == KeyType::kRsa));
  if (!known) {
    return ProviderError(Reason::kPaddingUnsupported,
                         "keyward signs with the paddings pkcs1 and pss, and with RSA-PSS keys "
                         "with pss alone");
  }
  padding_ = *padding;
  return absl::OkStatus();
}

absl::Status SignatureContext::SetSaltLength(const OSSL_PARAM& param) {
  ASSIGN_OR_RETURN(const int length, ReadNamed(param, kSaltLengths));
  if (length < RSA_PSS_SALTLEN_MAX) {
    return ProviderError(Reason::kParameterInvalid,
                         "saltlen is a number of bytes, digest, auto or max");
  }
  salt_length_ = length;
  return absl::OkStatus();
}

absl::Status SignatureContext::SetParams(const OSSL_PARAM params[]) {
  if (params == nullptr) return absl::OkStatus();
  if (const auto* digest = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST)) {
    ASSIGN_OR_RETURN(const std::string name, ReadText(*digest));
    if (hashing_ != nullptr && digest_) {
      ASSIGN_OR_RETURN(const auto wanted, DigestNamed(provider_->library_context(), name));
      if (wanted != *digest_) {
        return ProviderError(Reason::kParameterInvalid,
                             "the digest cannot change once the data is being hashed");
      }
    } else {
      RETURN_IF_ERROR(SetDigest(name));
    }
  }
  // ECDSA has nothing else.
  if (key_ != nullptr && key_->type == KeyType::kEc) return absl::OkStatus();
  if (const auto* padding = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE)) {
    RETURN_IF_ERROR(SetPadding(*padding));
  }
  if (const auto* salt = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN)) {
    RETURN_IF_ERROR(SetSaltLength(*salt));
  }
  if (const auto* mgf1 = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST)) {
    ASSIGN_OR_RETURN(const std::string name, ReadText(*mgf1));
    ASSIGN_OR_RETURN(mgf1_digest_, DigestNamed(provider_->library_context(), name));
  }
  return absl::OkStatus();
}

absl::Status SignatureContext::GetParams(OSSL_PARAM params[]) const {
  const QuietQueue quiet;
  if (params == nullptr || key_ == nullptr) return absl::OkStatus();
  bool written = true;
  if (auto* id = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID)) {
    const auto digest = digest_.value_or(pkcs11::HashAlgorithm::kSha256);
    ASSIGN_OR_RETURN(const pkcs11::SignatureScheme scheme, Scheme(pkcs11::DigestBytes(digest)));
    ASSIGN_OR_RETURN(const std::string der, AlgorithmIdentifier(scheme));
    written = OSSL_PARAM_set_octet_string(id, der.data(), der.size()) == 1;
  }
  if (auto* digest = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST)) {
    written &= OSSL_PARAM_set_utf8_string(digest, digest_ ? NameOf(*digest_) : "") == 1;
  }
  if (auto* size = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST_SIZE)) {
    written &= OSSL_PARAM_set_size_t(size, digest_ ? pkcs11::DigestBytes(*digest_) : 0) == 1;
  }
  if (key_->type != KeyType::kEc) {
    if (auto* padding = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PAD_MODE)) {
      written &= WriteNamed(*padding, padding_, kPaddings);
    }
    if (auto* salt = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN)) {
      written &= WriteNamed(*salt, salt_length_, kSaltLengths);
    }
    if (auto* mgf1 = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST)) {
      const auto hash = mgf1_digest_ ? mgf1_digest_ : digest_;
      written &= OSSL_PARAM_set_utf8_string(mgf1, hash ? NameOf(*hash) : "") == 1;
    }
  }
  return written ? absl::OkStatus()
                 : ProviderError(Reason::kParameterInvalid, "a parameter does not fit its buffer");
}

}  // namespace keyward::provider
