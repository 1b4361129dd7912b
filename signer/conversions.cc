#include "signer/conversions.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/openssl.h"
#include "common/status_macros.h"

namespace keyward::signer {
namespace {

void SetTime(absl::Time time, google::protobuf::Timestamp* timestamp) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp->set_seconds(seconds);
  timestamp->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

std::string Fingerprint(absl::string_view der) {
  const Sha256Digest digest = Sha256(der);
  return std::string(digest.begin(), digest.end());
}

v1::Environment ToProto(registry::Environment environment) {
  switch (environment) {
    case registry::Environment::kProduction:
      return v1::PRODUCTION;
    case registry::Environment::kSandbox:
      return v1::SANDBOX;
    case registry::Environment::kCustom:
      return v1::CUSTOM;
  }
  return v1::ENVIRONMENT_UNSPECIFIED;
}

// Intentions are shown as the state that they lead to.
v1::KeyVersion::State ToProto(registry::VersionState state) {
  switch (state) {
    case registry::VersionState::kGenerating:
    case registry::VersionState::kPending:
      return v1::KeyVersion::PENDING;
    case registry::VersionState::kActive:
      return v1::KeyVersion::ACTIVE;
    case registry::VersionState::kRetiring:
      return v1::KeyVersion::RETIRING;
    case registry::VersionState::kDisabled:
      return v1::KeyVersion::DISABLED;
    case registry::VersionState::kDestroying:
    case registry::VersionState::kDestroyed:
      return v1::KeyVersion::DESTROYED;
  }
  return v1::KeyVersion::STATE_UNSPECIFIED;
}

absl::Status MaskInvalid(absl::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, "UPDATE_MASK_INVALID",
               absl::StrCat("update_mask ", what,
                            "; it may name consumer_key, environment, login_url, audiences, "
                            "subjects, subject_patterns and include_kid"));
}

v1::Approval::State StateOf(const registry::Approval& approval, absl::Time now) {
  const bool expired = now >= approval.expire_time;
  switch (approval.state) {
    case registry::ApprovalState::kPending:
      return expired ? v1::Approval::EXPIRED : v1::Approval::PENDING;
    case registry::ApprovalState::kApproved:
      return expired ? v1::Approval::EXPIRED : v1::Approval::APPROVED;
    case registry::ApprovalState::kRefused:
      return v1::Approval::REFUSED;
    case registry::ApprovalState::kUsed:
      return v1::Approval::USED;
  }
  return v1::Approval::STATE_UNSPECIFIED;
}

}  // namespace

v1::Connection ToProto(const registry::Connection& connection, bool emergency_freeze) {
  const registry::ConnectionSettings& settings = connection.settings;
  v1::Connection proto;
  proto.set_name(connection.name);
  proto.set_consumer_key(settings.consumer_key);
  proto.set_environment(ToProto(settings.environment));
  proto.set_login_url(settings.login_url);
  for (const std::string& audience : settings.audiences) proto.add_audiences(audience);
  for (const std::string& subject : settings.subjects) proto.add_subjects(subject);
  for (const std::string& pattern : settings.subject_patterns) {
    proto.add_subject_patterns(pattern);
  }
  proto.set_include_kid(settings.include_kid);
  proto.set_etag(connection.etag);
  SetTime(connection.create_time, proto.mutable_create_time());
  SetTime(connection.update_time, proto.mutable_update_time());
  proto.set_frozen(connection.frozen);
  if (connection.freeze_time) SetTime(*connection.freeze_time, proto.mutable_freeze_time());
  proto.set_emergency_freeze(emergency_freeze);
  return proto;
}

v1::KeyVersion ToProto(const registry::KeyVersion& version) {
  v1::KeyVersion proto;
  proto.set_connection(version.connection);
  proto.set_number(version.number);
  proto.set_state(ToProto(version.state));
  proto.set_algorithm(version.algorithm);
  proto.set_key_bits(version.key_bits);
  proto.set_kid(version.kid);
  SetTime(version.create_time, proto.mutable_create_time());
  SetTime(version.certificate_not_after, proto.mutable_certificate_not_after());
  proto.set_certificate_sha256_fingerprint(Fingerprint(version.certificate_der));
  return proto;
}

v1::Approval ToProto(const registry::Approval& approval, absl::Time now) {
  v1::Approval proto;
  proto.set_name(approval.name);
  proto.set_state(StateOf(approval, now));
  proto.set_method(approval.method);
  proto.set_connection(approval.connection);
  for (const std::string& change : approval.changes) proto.add_changes(change);
  proto.set_before_json(approval.before_json);
  proto.set_after_json(approval.after_json);
  proto.set_requester(approval.requester);
  SetTime(approval.create_time, proto.mutable_create_time());
  SetTime(approval.expire_time, proto.mutable_expire_time());
  proto.set_decided_by(approval.decided_by);
  if (approval.decide_time) SetTime(*approval.decide_time, proto.mutable_decide_time());
  proto.set_comment(approval.comment);
  return proto;
}

absl::StatusOr<v1::Certificate> CertificateToProto(const registry::KeyVersion& version) {
  const std::string& der = version.certificate_der;
  const absl::StatusOr<X509Ptr> parsed = ParseCertificate(der);
  if (!parsed.ok()) return absl::InternalError("the stored certificate does not parse");
  const X509* certificate = parsed->get();
  ASSIGN_OR_RETURN(const absl::Time not_before, ToTime(X509_get0_notBefore(certificate)));
  ASSIGN_OR_RETURN(const absl::Time not_after, ToTime(X509_get0_notAfter(certificate)));
  v1::Certificate proto;
  proto.set_der(der);
  proto.set_key_version(version.number);
  proto.set_sha256_fingerprint(Fingerprint(der));
  SetTime(not_before, proto.mutable_not_before());
  SetTime(not_after, proto.mutable_not_after());
  for (const std::string& above : version.certificate_chain) proto.add_chain_der(above);
  return proto;
}

absl::StatusOr<registry::ConnectionSettings> SettingsFromProto(const v1::Connection& connection) {
  registry::ConnectionSettings settings;
  settings.consumer_key = connection.consumer_key();
  switch (connection.environment()) {
    case v1::ENVIRONMENT_UNSPECIFIED:
    case v1::PRODUCTION:
      settings.environment = registry::Environment::kProduction;
      break;
    case v1::SANDBOX:
      settings.environment = registry::Environment::kSandbox;
      break;
    case v1::CUSTOM:
      settings.environment = registry::Environment::kCustom;
      break;
    default:
      return Error(absl::StatusCode::kInvalidArgument, "ENVIRONMENT_INVALID",
                   "environment must be PRODUCTION, SANDBOX or CUSTOM");
  }
  settings.login_url = connection.login_url();
  settings.audiences.assign(connection.audiences().begin(), connection.audiences().end());
  settings.subjects.assign(connection.subjects().begin(), connection.subjects().end());
  settings.subject_patterns.assign(connection.subject_patterns().begin(),
                                   connection.subject_patterns().end());
  settings.include_kid = connection.include_kid();
  return settings;
}

absl::StatusOr<registry::ConnectionSettings> ApplyMask(const registry::ConnectionSettings& current,
                                                       const registry::ConnectionSettings& wanted,
                                                       const google::protobuf::FieldMask& mask) {
  if (mask.paths().empty()) return MaskInvalid("is empty");
  registry::ConnectionSettings settings = current;
  const std::set<std::string> paths(mask.paths().begin(), mask.paths().end());
  const bool host_changes =
      (paths.contains("environment") && wanted.environment != current.environment) ||
      (paths.contains("login_url") && wanted.login_url != current.login_url);
  if (host_changes) {
    settings.login_url.clear();
    const bool audience_followed = current.audiences == std::vector{current.login_url};
    if (audience_followed) settings.audiences.clear();
  }
  for (const std::string& path : paths) {
    if (path == "consumer_key") {
      settings.consumer_key = wanted.consumer_key;
    } else if (path == "environment") {
      settings.environment = wanted.environment;
    } else if (path == "login_url") {
      settings.login_url = wanted.login_url;
    } else if (path == "audiences") {
      settings.audiences = wanted.audiences;
    } else if (path == "subjects") {
      settings.subjects = wanted.subjects;
    } else if (path == "subject_patterns") {
      settings.subject_patterns = wanted.subject_patterns;
    } else if (path == "include_kid") {
      settings.include_kid = wanted.include_kid;
    } else {
      return MaskInvalid("names a field that cannot be set");
    }
  }
  return settings;
}

}  // namespace keyward::signer
