// The file format for a pkcs11: URI, for programs that take a key only from a file.
#ifndef KEYWARD_KEYSTORE_PROVIDER_URI_FILE_H_
#define KEYWARD_KEYSTORE_PROVIDER_URI_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::provider {

// PEM with this label holds the DER of
//   SEQUENCE { VisibleString "PKCS#11 Provider URI v1.0", UTF8String the URI },
// the format of the pkcs11-provider project, so that a file serves both.
inline constexpr char kUriFileLabel[] = "PKCS#11 PROVIDER URI";

// The URI in `der`, for the caller to wipe: there may be a PIN in it. INVALID_ARGUMENT
// where it is something else.
absl::StatusOr<std::string> UriFromDer(absl::string_view der);

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_URI_FILE_H_
