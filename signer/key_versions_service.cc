#include "signer/key_versions_service.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "keystore/lifecycle/key_certificates.h"
#include "keystore/lifecycle/key_inspection.h"
#include "keystore/lifecycle/version_choice.h"
#include "signer/conversions.h"
#include "signer/freeze.h"
#include "signer/key_conversions.h"

namespace keyward::signer {
namespace {

constexpr uint32_t kMaxValidityDays = 3650;

absl::Status CheckRenewal(const v1::RenewCertificateRequest& request) {
  if (request.validity_days() <= kMaxValidityDays) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, "VALIDITY_INVALID",
               absl::StrCat("validity_days must be 0 to ", kMaxValidityDays,
                            "; 0 means the signer's own setting"));
}

absl::Status KeyUriInvalid() {
  return Error(absl::StatusCode::kInvalidArgument, "KEY_URI_INVALID",
               "uri must be a PKCS#11 URI (RFC 7512) without a PIN: pkcs11:object=LABEL or "
               "pkcs11:id=%01%02");
}

std::string CertificateJson(const registry::KeyVersion& version) {
  return nlohmann::ordered_json{
      {"certificate_sha256", HexSha256(version.certificate_der)},
      {"certificate_not_after",
       absl::FormatTime(absl::RFC3339_sec, version.certificate_not_after, absl::UTCTimeZone())}}
      .dump();
}

void RecordCertificates(const registry::KeyVersion& before, const registry::KeyVersion& after,
                        AuditRecord& record) {
  record.certificate_sha256 = HexSha256(after.certificate_der);
  record.before = CertificateJson(before);
  record.after = CertificateJson(after);
}

}  // namespace

grpc::Status KeyVersionsService::ListKeyVersions(grpc::ServerContext* context,
                                                 const v1::ListKeyVersionsRequest* request,
                                                 v1::ListKeyVersionsResponse* response) {
  return administration_.Run(
      {*context, "ListKeyVersions", request->connection(), {Operation::kView}},
      [&](PermittedCall& /*call*/) -> absl::Status {
        ASSIGN_OR_RETURN(const std::vector<registry::KeyVersion> versions,
                         administration_.registry().ListKeyVersions(request->connection()));
        for (const registry::KeyVersion& version : versions) {
          *response->add_key_versions() = ToProto(version);
        }
        return absl::OkStatus();
      });
}

grpc::Status KeyVersionsService::GetJwks(grpc::ServerContext* context,
                                         const v1::GetJwksRequest* request,
                                         v1::GetJwksResponse* response) {
  return administration_.Run(
      {*context, "GetJwks", request->connection(), {Operation::kView}},
      [&](PermittedCall& /*call*/) -> absl::Status {
        ASSIGN_OR_RETURN(const std::vector<registry::KeyVersion> versions,
                         administration_.registry().ListKeyVersions(request->connection()));
        ASSIGN_OR_RETURN(*response->mutable_jwks_json(), VerificationKeys(versions));
        return absl::OkStatus();
      });
}

grpc::Status KeyVersionsService::InspectKeyVersion(grpc::ServerContext* context,
                                                   const v1::InspectKeyVersionRequest* request,
                                                   v1::KeyVersionDetails* response) {
  return administration_.Run(
      {*context,
       "InspectKeyVersion",
       request->connection(),
       {Operation::kView},
       request->on_behalf_of()},
      [&](PermittedCall& call) -> absl::Status {
        call.record.key_version = NumberOf(*request);
        ASSIGN_OR_RETURN(const KeyInspection inspection,
                         InspectKey(administration_.parts().keystore, request->connection(),
                                    call.record.key_version, DeadlineOf(*context)));
        call.record.key_version = inspection.version.number;
        ASSIGN_OR_RETURN(*response, ToProto(inspection));
        if (call.policy.Allows(call.record.identity, request->connection(), Operation::kRotate)) {
          AddLocation(inspection, *response);
        }
        return absl::OkStatus();
      });
}

grpc::Status KeyVersionsService::CreateCertificateRequest(
    grpc::ServerContext* context, const v1::CreateCertificateRequestRequest* request,
    v1::CreateCertificateRequestResponse* response) {
  return administration_.Run(
      {*context, "CreateCertificateRequest", request->connection(), {Operation::kRotate}},
      [&](PermittedCall& call) -> absl::Status {
        call.record.key_version = NumberOf(*request);
        RETURN_IF_ERROR(CheckMaySign(request->connection()));
        ASSIGN_OR_RETURN(
            SignedRequest csr,
            CreateRequest(administration_.parts().keystore, request->connection(),
                          call.record.key_version, SubjectFromProto(request->subject()),
                          NamesFromProto(request->subject_alt_names()), DeadlineOf(*context)));
        call.record.key_version = csr.key_version;
        // Frozen while the token signed it: then nobody gets it.
        RETURN_IF_ERROR(CheckMaySign(request->connection()));
        response->set_der(std::move(csr.der));
        response->set_key_version(csr.key_version);
        return absl::OkStatus();
      });
}

grpc::Status KeyVersionsService::ImportCertificate(grpc::ServerContext* context,
                                                   const v1::ImportCertificateRequest* request,
                                                   v1::Certificate* response) {
  return administration_.Run(
      {*context, "ImportCertificate", request->connection(), {Operation::kRotate}},
      [&](PermittedCall& call) -> absl::Status {
        call.record.key_version = request->key_version();
        ASSIGN_OR_RETURN(const registry::KeyVersion former,
                         ChooseVersion(administration_.registry(), request->connection(),
                                       request->key_version()));
        ASSIGN_OR_RETURN(
            const registry::KeyVersion version,
            keyward::ImportCertificate(administration_.parts().keystore, request->connection(),
                                       request->key_version(), request->der(),
                                       {request->chain_der().begin(), request->chain_der().end()},
                                       DeadlineOf(*context)));
        RecordCertificates(former, version, call.record);
        ASSIGN_OR_RETURN(*response, CertificateToProto(version));
        return administration_.RefreshSnapshot();
      });
}

grpc::Status KeyVersionsService::RenewCertificate(grpc::ServerContext* context,
                                                  const v1::RenewCertificateRequest* request,
                                                  v1::Certificate* response) {
  return administration_.Run(
      {*context, "RenewCertificate", request->connection(), {Operation::kRotate}},
      [&](PermittedCall& call) -> absl::Status {
        call.record.key_version = NumberOf(*request);
        RETURN_IF_ERROR(CheckRenewal(*request));
        RETURN_IF_ERROR(CheckMaySign(request->connection()));
        ASSIGN_OR_RETURN(const registry::KeyVersion former,
                         ChooseVersion(administration_.registry(), request->connection(),
                                       call.record.key_version));
        const absl::Duration validity = request->validity_days() == 0
                                            ? administration_.parts().adoption.certificate_validity
                                            : absl::Hours(24) * request->validity_days();
        ASSIGN_OR_RETURN(
            const registry::KeyVersion version,
            keyward::RenewCertificate(administration_.parts().keystore, request->connection(),
                                      call.record.key_version, validity, DeadlineOf(*context),
                                      [&] { return CheckMaySign(request->connection()); }));
        call.record.key_version = version.number;
        RecordCertificates(former, version, call.record);
        ASSIGN_OR_RETURN(*response, CertificateToProto(version));
        return administration_.RefreshSnapshot();
      });
}

grpc::Status KeyVersionsService::AdoptKey(grpc::ServerContext* context,
                                          const v1::AdoptKeyRequest* request,
                                          v1::KeyVersion* response) {
  return administration_.Run(
      {*context, "AdoptKey", request->connection(), OperationsOf("AdoptKey")},
      [&](PermittedCall& call) -> absl::Status {
        call.record.key_uri = UriForRecord(request->uri());
        RETURN_IF_ERROR(CheckMaySign(request->connection()));
        ASSIGN_OR_RETURN(const registry::Connection connection,
                         administration_.registry().GetConnection(request->connection()));
        const auto adopt = [&]() -> absl::Status {
          ASSIGN_OR_RETURN(
              const registry::KeyVersion version,
              keyward::AdoptKey(administration_.parts().keystore, administration_.parts().adoption,
                                connection.name, request->uri(), DeadlineOf(*context),
                                [&] { return CheckMaySign(connection.name); }));
          call.record.key_version = version.number;
          call.record.certificate_sha256 = HexSha256(version.certificate_der);
          *response = ToProto(version);
          return absl::OkStatus();
        };
        // One that must not be written down, with a PIN in it, is shown to nobody else
        // either: it is refused without asking anybody.
        if (call.record.key_uri.empty()) return KeyUriInvalid();
        RETURN_IF_ERROR(administration_.MakeChange(
            call,
            {.method = "AdoptKey",
             .connection = connection.name,
             .create_time = connection.create_time,
             .request = CanonicalRequest(*request),
             .changes = {Change::kAdopt},
             .after = nlohmann::json{{"key_uri", call.record.key_uri}}.dump(-1, ' ', true)},
            adopt));
        return administration_.RefreshSnapshot();
      });
}

absl::Status KeyVersionsService::CheckMaySign(absl::string_view connection) const {
  return CheckNotFrozen(*administration_.parts().snapshots.Get(), connection);
}

}  // namespace keyward::signer
