// Between the registry's structures and the API's messages.
#ifndef KEYWARD_SIGNER_CONVERSIONS_H_
#define KEYWARD_SIGNER_CONVERSIONS_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "keystore/registry/registry.h"
#include "keyward/v1/approvals.pb.h"
#include "keyward/v1/connections.pb.h"
#include "keyward/v1/key_versions.pb.h"

namespace keyward::signer {

// `emergency_freeze`: whether everything is frozen now, as the snapshot says that the
// signing path goes by.
v1::Connection ToProto(const registry::Connection& connection, bool emergency_freeze);
v1::KeyVersion ToProto(const registry::KeyVersion& version);
// Its state as of `now`: one that was not used in time is EXPIRED.
v1::Approval ToProto(const registry::Approval& approval, absl::Time now);

// The key version that a request names, if it does.
template <typename Request>
std::optional<uint32_t> NumberOf(const Request& request) {
  return request.has_key_version() ? std::optional<uint32_t>(request.key_version()) : std::nullopt;
}

// INTERNAL where the stored certificate does not parse.
absl::StatusOr<v1::Certificate> CertificateToProto(const registry::KeyVersion& version);

// The settable fields. An unspecified environment is production; INVALID_ARGUMENT,
// ENVIRONMENT_INVALID for a number that is none of ours.
absl::StatusOr<registry::ConnectionSettings> SettingsFromProto(const v1::Connection& connection);

// `current` with the fields of `mask` taken from `wanted`. Where the environment
// or login URL changes, what followed from the old one is left to be filled in
// anew. INVALID_ARGUMENT, UPDATE_MASK_INVALID for an empty mask or a field that
// can't be set.
absl::StatusOr<registry::ConnectionSettings> ApplyMask(const registry::ConnectionSettings& current,
                                                       const registry::ConnectionSettings& wanted,
                                                       const google::protobuf::FieldMask& mask);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_CONVERSIONS_H_
