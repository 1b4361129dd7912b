#include "signer/key_conversions.h"

#include "common/openssl.h"
#include "common/status_macros.h"
#include "common/utf8.h"
#include "keystore/certificate/json_web_key.h"
#include "keystore/registry/snapshot.h"
#include "signer/conversions.h"

namespace keyward::signer {
namespace {

v1::KeyVersionDetails::TokenCertificate ToProto(TokenCertificate certificate) {
  switch (certificate) {
    case TokenCertificate::kMissing:
      return v1::KeyVersionDetails::MISSING;
    case TokenCertificate::kSame:
      return v1::KeyVersionDetails::SAME;
    case TokenCertificate::kDifferent:
      return v1::KeyVersionDetails::DIFFERENT;
  }
  return v1::KeyVersionDetails::TOKEN_CERTIFICATE_UNSPECIFIED;
}

// What a token holds is any bytes, but a protobuf string that is not UTF-8 makes the whole answer
// unreadable.
std::string Utf8Of(const std::string& text) {
  return IsValidUtf8(text) ? text : Shown(text, text.size());
}

}  // namespace

absl::StatusOr<v1::KeyVersionDetails> ToProto(const KeyInspection& inspection) {
  v1::KeyVersionDetails proto;
  *proto.mutable_key_version() = ToProto(inspection.version);
  proto.set_modulus_bits(static_cast<uint32_t>(inspection.details.modulus_bits.value_or(0)));
  proto.set_generation_mechanism(inspection.details.generation_mechanism.value_or(""));
  for (const pkcs11::KeyAttribute& attribute : inspection.details.attributes) {
    v1::KeyVersionDetails::Attribute& added = *proto.add_attributes();
    added.set_name(attribute.name);
    if (attribute.value) added.set_value(*attribute.value);
  }
  proto.set_refusal(Utf8Of(inspection.refusal));
  ASSIGN_OR_RETURN(*proto.mutable_certificate(), CertificateToProto(inspection.version));
  proto.set_token_certificate(ToProto(inspection.token_certificate));
  return proto;
}

void AddLocation(const KeyInspection& inspection, v1::KeyVersionDetails& proto) {
  proto.set_uri(Utf8Of(inspection.details.uri));
  proto.set_label(Utf8Of(inspection.details.label));
  proto.set_key_id(inspection.details.key_id);
}

CsrSubject SubjectFromProto(const v1::CertificateSubject& subject) {
  return {.common_name = subject.common_name(),
          .organization = subject.organization(),
          .organizational_unit = subject.organizational_unit(),
          .country = subject.country(),
          .state = subject.state(),
          .locality = subject.locality()};
}

SubjectAltNames NamesFromProto(const v1::SubjectAltNames& names) {
  return {.dns = {names.dns().begin(), names.dns().end()},
          .email = {names.email().begin(), names.email().end()},
          .uri = {names.uri().begin(), names.uri().end()},
          .ip = {names.ip().begin(), names.ip().end()}};
}

absl::StatusOr<std::string> VerificationKeys(const std::vector<registry::KeyVersion>& versions) {
  std::vector<VerificationKey> keys;
  for (const registry::KeyVersion& version : versions) {
    if (!registry::MaySign(version.state)) continue;
    keys.push_back({.certificate_der = version.certificate_der,
                    .certificate_chain = version.certificate_chain,
                    .algorithm = version.algorithm,
                    .kid = version.kid});
  }
  return JsonWebKeySet(keys);
}

}  // namespace keyward::signer
