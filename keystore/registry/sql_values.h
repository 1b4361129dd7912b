// How the registry's values are written in SQL columns: plain text and
// integers, so that every database stores them alike and people can read them.
#ifndef KEYWARD_KEYSTORE_REGISTRY_SQL_VALUES_H_
#define KEYWARD_KEYSTORE_REGISTRY_SQL_VALUES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "keystore/registry/registry.h"

namespace keyward::registry {

// DATA_LOSS with the reason REGISTRY_CORRUPT. Every Decode function below
// returns it for what Keyward never writes.
absl::Status RegistryCorrupt(absl::string_view what);

// "PRODUCTION", "SANDBOX", "CUSTOM".
std::string EncodeEnvironment(Environment environment);
absl::StatusOr<Environment> DecodeEnvironment(absl::string_view word);

// "GENERATING", "PENDING", ...
std::string EncodeState(VersionState state);
absl::StatusOr<VersionState> DecodeState(absl::string_view word);

// A JSON array of strings. `list` must be text that IsSqlText() accepts.
std::string EncodeList(const std::vector<std::string>& list);
absl::StatusOr<std::vector<std::string>> DecodeList(const std::string& json);

// Lower-case hexadecimal, as PKCS#11 tools print CKA_ID.
std::string EncodeKeyId(absl::string_view key_id);
absl::StatusOr<std::string> DecodeKeyId(const std::string& hex);

// Base64 (RFC 4648 section 4) of the DER; empty for no certificate.
std::string EncodeCertificate(absl::string_view der);
absl::StatusOr<std::string> DecodeCertificate(const std::string& base64);

// A JSON array of certificates as above, none of them empty.
std::string EncodeChain(const std::vector<std::string>& chain);
absl::StatusOr<std::vector<std::string>> DecodeChain(const std::string& json);

// Now, as a column has it: in microseconds.
absl::Time NowAsStored();

// "PENDING", "APPROVED", "REFUSED", "USED".
std::string EncodeApprovalState(ApprovalState state);
absl::StatusOr<ApprovalState> DecodeApprovalState(absl::string_view word);

// Whether every database stores `text` as it is: UTF-8 without NUL.
bool IsSqlText(const std::string& text);

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_SQL_VALUES_H_
