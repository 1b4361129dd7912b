// The provider's errors: each has a reason that OpenSSL knows by number and text.
#ifndef KEYWARD_KEYSTORE_PROVIDER_PROVIDER_ERROR_H_
#define KEYWARD_KEYSTORE_PROVIDER_PROVIDER_ERROR_H_

#include <openssl/core.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace keyward::provider {

// ERR_GET_REASON() of an error of the provider. The numbers stay as they are:
// programs may compare them.
enum class Reason : int {
  // What no other reason fits: a fault of OpenSSL's or our own.
  kFailed = 1,
  // The module or the token answered with a CKR_ code; the sentence names it.
  kTokenFailed = 2,
  kWrongOrder = 3,
  kConfigurationInvalid = 4,
  kUriInvalid = 5,
  kModuleNotLoaded = 6,
  kTokenNotFound = 7,
  kTokenAmbiguous = 8,
  kPinNeeded = 9,
  kPinUnreadable = 10,
  kPinRefused = 11,
  kObjectNotFound = 12,
  kObjectAmbiguous = 13,
  kObjectWrongType = 14,
  kKeyUnsupported = 15,
  kKeyChanged = 16,
  kPrivateKeyMissing = 17,
  kDigestUnknown = 18,
  kDigestWrongLength = 19,
  kPaddingUnsupported = 20,
  kSaltTooLong = 21,
  kParameterInvalid = 22,
  kPrivateKeyNotExportable = 23,
};

// An error with `reason`. `message` is a sentence that says what to change; it
// holds nothing secret. Code and other payloads are those of `cause`, where one is
// given.
absl::Status ProviderError(Reason reason, absl::string_view message);
absl::Status ProviderError(Reason reason, absl::string_view message, const absl::Status& cause);

// The reason that ProviderError() attached; kTokenFailed for an error of the
// module (pkcs11/ck_error.h); else kFailed.
Reason ReasonOfProvider(const absl::Status& status);

// Every reason with its text, ended by {0, nullptr}, for OpenSSL to print.
const OSSL_ITEM* ReasonStrings();

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_PROVIDER_ERROR_H_
