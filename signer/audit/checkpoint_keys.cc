#include "signer/audit/checkpoint_keys.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/pem.h"
#include "common/rsa_public_key.h"
#include "common/status_macros.h"

namespace keyward::signer {
namespace {

absl::Status Invalid(absl::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, "AUDIT_CERTIFICATE_INVALID", what);
}

}  // namespace

absl::Status CheckpointKeys::AddPem(absl::string_view pem) {
  const auto certificates = ParsePemCertificates(pem);
  if (!certificates.ok()) return Invalid(certificates.status().message());
  for (const X509Ptr& certificate : *certificates) {
    EvpPkeyPtr key(X509_get_pubkey(certificate.get()));
    const absl::StatusOr<std::string> kid =
        key == nullptr ? absl::InvalidArgumentError("") : JwkThumbprint(*key);
    if (!kid.ok()) {
      ForgetOpensslErrors();
      return Invalid("holds a certificate whose key is no RSA key: it is not the audit key's");
    }
    ASSIGN_OR_RETURN(const absl::Time not_before, ToTime(X509_get0_notBefore(certificate.get())));
    ASSIGN_OR_RETURN(const absl::Time not_after, ToTime(X509_get0_notAfter(certificate.get())));
    auto [entry, added] = keys_.try_emplace(*kid, Key{std::move(key), not_before, not_after});
    if (added) continue;
    entry->second.not_before = std::min(entry->second.not_before, not_before);
    entry->second.not_after = std::max(entry->second.not_after, not_after);
  }
  return absl::OkStatus();
}

const CheckpointKeys::Key* CheckpointKeys::Find(absl::string_view kid) const {
  const auto entry = keys_.find(kid);
  return entry == keys_.end() ? nullptr : &entry->second;
}

}  // namespace keyward::signer
