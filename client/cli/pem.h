// PEM (RFC 7468) in and out.
#ifndef KEYWARD_CLIENT_CLI_PEM_H_
#define KEYWARD_CLIENT_CLI_PEM_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::client {

// `der` between "-----BEGIN `label`-----" and its end.
absl::StatusOr<std::string> ToPem(const char* label, absl::string_view der);

// DER of every certificate in a file: PEM, text between the blocks allowed, or the
// DER of one. INVALID_ARGUMENT CERTIFICATE_FILE_INVALID where there is none, or where
// it holds a private key, which has no business in what is sent.
absl::StatusOr<std::vector<std::string>> ReadCertificates(const std::string& path);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_CLI_PEM_H_
