#include "signer/key_versions_service.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "keystore/lifecycle/key_certificates.h"
#include "keystore/lifecycle/key_inspection.h"
#include "signer/conversions.h"
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

}  // namespace

grpc::Status KeyVersionsService::ListKeyVersions(grpc::ServerContext* context,
                                                 const v1::ListKeyVersionsRequest* request,
                                                 v1::ListKeyVersionsResponse* response) {
  return administration_.Run(
      {*context, "ListKeyVersions", request->connection(), Operation::kView},
      [&]() -> absl::Status {
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
      {*context, "GetJwks", request->connection(), Operation::kView}, [&]() -> absl::Status {
        ASSIGN_OR_RETURN(const std::vector<registry::KeyVersion> versions,
                         administration_.registry().ListKeyVersions(request->connection()));
        ASSIGN_OR_RETURN(*response->mutable_jwks_json(), VerificationKeys(versions));
        return absl::OkStatus();
      });
}

grpc::Status KeyVersionsService::InspectKeyVersion(grpc::ServerContext* context,
                                                   const v1::InspectKeyVersionRequest* request,
                                                   v1::KeyVersionDetails* response) {
  return administration_.RunWithRecord(
      {*context, "InspectKeyVersion", request->connection(), Operation::kView,
       request->on_behalf_of()},
      [&](AuditRecord& record) -> absl::Status {
        record.key_version = NumberOf(*request);
        ASSIGN_OR_RETURN(const KeyInspection inspection,
                         InspectKey(administration_.parts().keystore, request->connection(),
                                    record.key_version, DeadlineOf(*context)));
        record.key_version = inspection.version.number;
        ASSIGN_OR_RETURN(*response, ToProto(inspection));
        if (administration_.parts().policy.Allows(record.identity, request->connection(),
                                                  Operation::kRotate)) {
          AddLocation(inspection, *response);
        }
        return absl::OkStatus();
      });
}

grpc::Status KeyVersionsService::CreateCertificateRequest(
    grpc::ServerContext* context, const v1::CreateCertificateRequestRequest* request,
    v1::CreateCertificateRequestResponse* response) {
  return administration_.RunWithRecord(
      {*context, "CreateCertificateRequest", request->connection(), Operation::kRotate},
      [&](AuditRecord& record) -> absl::Status {
        record.key_version = NumberOf(*request);
        ASSIGN_OR_RETURN(
            SignedRequest csr,
            CreateRequest(administration_.parts().keystore, request->connection(),
                          record.key_version, SubjectFromProto(request->subject()),
                          NamesFromProto(request->subject_alt_names()), DeadlineOf(*context)));
        record.key_version = csr.key_version;
        response->set_der(std::move(csr.der));
        response->set_key_version(csr.key_version);
        return absl::OkStatus();
      });
}

grpc::Status KeyVersionsService::ImportCertificate(grpc::ServerContext* context,
                                                   const v1::ImportCertificateRequest* request,
                                                   v1::Certificate* response) {
  return administration_.RunWithRecord(
      {*context, "ImportCertificate", request->connection(), Operation::kRotate},
      [&](AuditRecord& record) -> absl::Status {
        record.key_version = request->key_version();
        ASSIGN_OR_RETURN(
            const registry::KeyVersion version,
            keyward::ImportCertificate(administration_.parts().keystore, request->connection(),
                                       request->key_version(), request->der(),
                                       {request->chain_der().begin(), request->chain_der().end()},
                                       DeadlineOf(*context)));
        record.certificate_sha256 = HexSha256(version.certificate_der);
        ASSIGN_OR_RETURN(*response, CertificateToProto(version));
        return administration_.RefreshSnapshot();
      });
}

grpc::Status KeyVersionsService::RenewCertificate(grpc::ServerContext* context,
                                                  const v1::RenewCertificateRequest* request,
                                                  v1::Certificate* response) {
  return administration_.RunWithRecord(
      {*context, "RenewCertificate", request->connection(), Operation::kRotate},
      [&](AuditRecord& record) -> absl::Status {
        record.key_version = NumberOf(*request);
        RETURN_IF_ERROR(CheckRenewal(*request));
        const absl::Duration validity = request->validity_days() == 0
                                            ? administration_.parts().adoption.certificate_validity
                                            : absl::Hours(24) * request->validity_days();
        ASSIGN_OR_RETURN(
            const registry::KeyVersion version,
            keyward::RenewCertificate(administration_.parts().keystore, request->connection(),
                                      record.key_version, validity, DeadlineOf(*context)));
        record.key_version = version.number;
        record.certificate_sha256 = HexSha256(version.certificate_der);
        ASSIGN_OR_RETURN(*response, CertificateToProto(version));
        return administration_.RefreshSnapshot();
      });
}

grpc::Status KeyVersionsService::AdoptKey(grpc::ServerContext* context,
                                          const v1::AdoptKeyRequest* request,
                                          v1::KeyVersion* response) {
  return administration_.RunWithRecord(
      {*context, "AdoptKey", request->connection(), Operation::kAdopt},
      [&](AuditRecord& record) -> absl::Status {
        record.key_uri = UriForRecord(request->uri());
        ASSIGN_OR_RETURN(
            const registry::KeyVersion version,
            keyward::AdoptKey(administration_.parts().keystore, administration_.parts().adoption,
                              request->connection(), request->uri(), DeadlineOf(*context)));
        record.key_version = version.number;
        record.certificate_sha256 = HexSha256(version.certificate_der);
        *response = ToProto(version);
        return administration_.RefreshSnapshot();
      });
}

}  // namespace keyward::signer
