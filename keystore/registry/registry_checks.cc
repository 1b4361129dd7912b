#include "keystore/registry/registry_checks.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/registry/sql_values.h"

namespace keyward::registry {

std::string NameOf(const KeyVersion& version) {
  return absl::StrCat("key version ", version.number, " of connection \"",
                      absl::Utf8SafeCHexEscape(version.connection), "\"");
}

absl::Status CheckText(const std::string& text, absl::string_view what) {
  if (IsSqlText(text)) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, "INVALID_TEXT",
               absl::StrCat("the ", what, " is not UTF-8 text, or holds a NUL"));
}

absl::Status CheckSettings(const ConnectionSettings& settings) {
  RETURN_IF_ERROR(CheckText(settings.consumer_key, "consumer key"));
  RETURN_IF_ERROR(CheckText(settings.login_url, "login URL"));
  for (const std::string& audience : settings.audiences) {
    RETURN_IF_ERROR(CheckText(audience, "audience"));
  }
  for (const std::string& subject : settings.subjects) {
    RETURN_IF_ERROR(CheckText(subject, "subject"));
  }
  for (const std::string& pattern : settings.subject_patterns) {
    RETURN_IF_ERROR(CheckText(pattern, "subject pattern"));
  }
  return absl::OkStatus();
}

absl::Status CheckEtag(const Connection& connection, absl::string_view etag) {
  if (connection.etag == etag) return absl::OkStatus();
  return Error(absl::StatusCode::kAborted, "ETAG_MISMATCH",
               absl::StrCat("connection \"", absl::Utf8SafeCHexEscape(connection.name),
                            "\" was changed in the meantime; read it again and repeat"));
}

absl::Status CheckState(const KeyVersion& version, VersionState expected) {
  if (version.state == expected) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, "KEY_VERSION_WRONG_STATE",
               absl::StrCat(NameOf(version), " is ", EncodeState(version.state), ", not ",
                            EncodeState(expected)));
}

absl::Status CheckIssued(VersionState state, const IssuedKey& issued) {
  if (state != VersionState::kPending && state != VersionState::kActive) {
    return absl::InvalidArgumentError("a new key version starts as PENDING or ACTIVE");
  }
  const std::vector<std::string>& chain = issued.certificate_chain;
  if (issued.certificate_der.empty() || std::find(chain.begin(), chain.end(), "") != chain.end()) {
    return absl::InvalidArgumentError("a key version needs a certificate, its chain no empty one");
  }
  return CheckText(issued.kid, "kid");
}

absl::Status CheckCertificateReplaceable(const KeyVersion& version, absl::string_view current_der,
                                         const IssuedKey& issued) {
  const VersionState state = version.state;
  if (state == VersionState::kGenerating || state == VersionState::kDestroying ||
      state == VersionState::kDestroyed) {
    return Error(absl::StatusCode::kFailedPrecondition, "KEY_VERSION_WRONG_STATE",
                 absl::StrCat(NameOf(version), " is ", EncodeState(state),
                              "; only a key that can sign, or could again, gets a certificate"));
  }
  if (version.certificate_der != current_der) {
    return Error(absl::StatusCode::kAborted, "CERTIFICATE_CHANGED",
                 absl::StrCat("the certificate of ", NameOf(version),
                              " was replaced in the meantime; read it again and repeat"));
  }
  if (issued.kid != version.kid) {
    return absl::InvalidArgumentError("the new certificate is for another key");
  }
  return absl::OkStatus();
}

std::string Searched(absl::string_view name) {
  std::string text(name);
  return IsSqlText(text) ? text : "";
}

}  // namespace keyward::registry
