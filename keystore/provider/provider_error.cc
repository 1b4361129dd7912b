#include "keystore/provider/provider_error.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "keystore/pkcs11/ck_error.h"

namespace keyward::provider {
namespace {

constexpr char kReasonUrl[] = "keyward/provider-reason";

OSSL_ITEM Item(Reason reason, const char* text) {
  // OpenSSL's type is not const, but it only reads.
  return {static_cast<unsigned int>(reason), const_cast<char*>(text)};
}

}  // namespace

absl::Status ProviderError(Reason reason, absl::string_view message) {
  return ProviderError(reason, message, absl::FailedPreconditionError(""));
}

absl::Status ProviderError(Reason reason, absl::string_view message, const absl::Status& cause) {
  absl::Status status(cause.code(), message);
  cause.ForEachPayload([&status](absl::string_view url, const absl::Cord& payload) {
    status.SetPayload(url, payload);
  });
  status.SetPayload(kReasonUrl, absl::Cord(absl::StrCat(static_cast<int>(reason))));
  return status;
}

Reason ReasonOfProvider(const absl::Status& status) {
  const auto payload = status.GetPayload(kReasonUrl);
  int reason = 0;
  if (payload && absl::SimpleAtoi(std::string(*payload), &reason)) {
    return static_cast<Reason>(reason);
  }
  return pkcs11::CkRvOf(status) ? Reason::kTokenFailed : Reason::kFailed;
}

const OSSL_ITEM* ReasonStrings() {
  static const OSSL_ITEM kStrings[] = {
      Item(Reason::kFailed, "operation failed"),
      Item(Reason::kTokenFailed, "the token failed"),
      Item(Reason::kWrongOrder, "loaded before the default provider"),
      Item(Reason::kConfigurationInvalid, "configuration invalid"),
      Item(Reason::kUriInvalid, "not a PKCS#11 URI"),
      Item(Reason::kModuleNotLoaded, "PKCS#11 module not loaded"),
      Item(Reason::kTokenNotFound, "token not found"),
      Item(Reason::kTokenAmbiguous, "more than one token matches"),
      Item(Reason::kPinNeeded, "PIN needed"),
      Item(Reason::kPinUnreadable, "PIN cannot be read"),
      Item(Reason::kPinRefused, "PIN refused"),
      Item(Reason::kObjectNotFound, "object not found"),
      Item(Reason::kObjectAmbiguous, "more than one object matches"),
      Item(Reason::kObjectWrongType, "object of the wrong type"),
      Item(Reason::kKeyUnsupported, "key not supported"),
      Item(Reason::kKeyChanged, "the key on the token has changed"),
      Item(Reason::kPrivateKeyMissing, "no private key"),
      Item(Reason::kDigestUnknown, "digest not supported"),
      Item(Reason::kDigestWrongLength, "wrong length of the digest"),
      Item(Reason::kPaddingUnsupported, "padding not supported"),
      Item(Reason::kSaltTooLong, "PSS salt too long"),
      Item(Reason::kParameterInvalid, "parameter invalid"),
      Item(Reason::kPrivateKeyNotExportable, "the private key cannot leave the token"),
      {0, nullptr},
  };
  return kStrings;
}

}  // namespace keyward::provider
