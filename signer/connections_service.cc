#include "signer/connections_service.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/connection_name.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/lifecycle/version_choice.h"
#include "signer/connection_changes.h"
#include "signer/connection_rules.h"
#include "signer/conversions.h"
#include "signer/freeze.h"

namespace keyward::signer {
namespace {

constexpr int kDefaultPageSize = 100;
constexpr int kMaxPageSize = 500;

absl::Status CheckHasEtag(const std::string& etag) {
  if (!etag.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, "ETAG_MISSING",
               "etag is required: read the connection first and send its etag back");
}

// Not left to the registry: what is approved and recorded is the difference to what was
// read, so that must be what the caller means too.
absl::Status CheckEtag(const registry::Connection& current, const std::string& etag) {
  if (etag == current.etag) return absl::OkStatus();
  return Error(absl::StatusCode::kAborted, "ETAG_MISMATCH",
               absl::StrCat("connection ", current.name,
                            " was changed since it was read: read it again and repeat the change"));
}

// What was asked for beside what it comes to, which is approved too: clients send along
// what they have read, such as the time of the last change.
v1::UpdateConnectionRequest WithoutValues(const v1::UpdateConnectionRequest& request) {
  v1::UpdateConnectionRequest bare;
  bare.mutable_connection()->set_name(request.connection().name());
  *bare.mutable_update_mask() = request.update_mask();
  return bare;
}

void RecordDifference(const registry::ConnectionSettings& before,
                      const registry::ConnectionSettings& after, AuditRecord& record) {
  const BeforeAndAfter difference = DifferenceOf(before, after);
  record.before = difference.before;
  record.after = difference.after;
}

}  // namespace

grpc::Status ConnectionsService::CreateConnection(grpc::ServerContext* context,
                                                  const v1::CreateConnectionRequest* request,
                                                  v1::Connection* response) {
  const v1::Connection& wanted = request->connection();
  return administration_.Run(
      {*context, "CreateConnection", wanted.name(), {Operation::kManageConnections}},
      [&](PermittedCall& call) -> absl::Status {
        // A new key signs its own certificate.
        RETURN_IF_ERROR(CheckNotFrozen(*administration_.parts().snapshots.Get(), wanted.name()));
        ASSIGN_OR_RETURN(registry::ConnectionSettings settings, SettingsFromProto(wanted));
        ASSIGN_OR_RETURN(settings, CompleteSettings(std::move(settings)));
        call.record.after = SettingsJson(settings);
        ASSIGN_OR_RETURN(const registry::Connection created,
                         administration_.parts().lifecycle.CreateConnection(wanted.name(), settings,
                                                                            DeadlineOf(*context)));
        *response = Shown(created);
        return administration_.RefreshSnapshot();
      });
}

grpc::Status ConnectionsService::GetConnection(grpc::ServerContext* context,
                                               const v1::GetConnectionRequest* request,
                                               v1::Connection* response) {
  return administration_.Run({*context, "GetConnection", request->name(), {Operation::kView}},
                             [&](PermittedCall& /*call*/) -> absl::Status {
                               ASSIGN_OR_RETURN(
                                   const registry::Connection connection,
                                   administration_.registry().GetConnection(request->name()));
                               *response = Shown(connection);
                               return absl::OkStatus();
                             });
}

grpc::Status ConnectionsService::ListConnections(grpc::ServerContext* context,
                                                 const v1::ListConnectionsRequest* request,
                                                 v1::ListConnectionsResponse* response) {
  return administration_.RunForAnyConnection(*context, "ListConnections",
                                             [&](PermittedCall& call) -> absl::Status {
                                               ASSIGN_OR_RETURN(*response, List(call, *request));
                                               return absl::OkStatus();
                                             });
}

absl::StatusOr<v1::ListConnectionsResponse> ConnectionsService::List(
    const PermittedCall& call, const v1::ListConnectionsRequest& request) {
  if (request.page_size() < 0 || request.page_size() > kMaxPageSize) {
    return Error(absl::StatusCode::kInvalidArgument, "PAGE_SIZE_INVALID",
                 absl::StrCat("page_size must be 0 to ", kMaxPageSize));
  }
  std::string after;
  if (!absl::WebSafeBase64Unescape(request.page_token(), &after) ||
      (!after.empty() && !CheckConnectionName(after).ok())) {
    return Error(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID",
                 "page_token must be the next_page_token of an earlier answer");
  }
  const int wanted = request.page_size() == 0 ? kDefaultPageSize : request.page_size();

  v1::ListConnectionsResponse page;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<registry::Connection> batch,
                     administration_.registry().ListConnections(after, kMaxPageSize));
    for (const registry::Connection& connection : batch) {
      if (call.policy.Allows(call.record.identity, connection.name, Operation::kView)) {
        if (page.connections_size() == wanted) {
          // Of what was shown: a token must not tell names that the caller may
          // not view.
          page.set_next_page_token(absl::WebSafeBase64Escape(page.connections(wanted - 1).name()));
          return page;
        }
        *page.add_connections() = Shown(connection);
      }
      after = connection.name;
    }
    if (batch.size() < kMaxPageSize) return page;
  }
}

v1::Connection ConnectionsService::Shown(const registry::Connection& connection) const {
  return ToProto(connection, administration_.parts().snapshots.Get()->emergency_freeze());
}

grpc::Status ConnectionsService::UpdateConnection(grpc::ServerContext* context,
                                                  const v1::UpdateConnectionRequest* request,
                                                  v1::Connection* response) {
  const v1::Connection& wanted = request->connection();
  return administration_.Run(
      {*context, "UpdateConnection", wanted.name(), OperationsOf("UpdateConnection")},
      [&](PermittedCall& call) -> absl::Status {
        RETURN_IF_ERROR(CheckHasEtag(request->etag()));
        registry::Registry& registry = administration_.registry();
        ASSIGN_OR_RETURN(const registry::Connection current, registry.GetConnection(wanted.name()));
        RETURN_IF_ERROR(CheckEtag(current, request->etag()));
        ASSIGN_OR_RETURN(const registry::ConnectionSettings fields, SettingsFromProto(wanted));
        ASSIGN_OR_RETURN(registry::ConnectionSettings settings,
                         ApplyMask(current.settings, fields, request->update_mask()));
        ASSIGN_OR_RETURN(settings, CompleteSettings(std::move(settings)));
        const BeforeAndAfter difference = DifferenceOf(current.settings, settings);
        RETURN_IF_ERROR(administration_.MakeChange(
            call,
            {.method = "UpdateConnection",
             .connection = current.name,
             .create_time = current.create_time,
             .request = CanonicalRequest(WithoutValues(*request)),
             .changes = ChangesOf(current.settings, settings),
             .before = difference.before,
             .after = difference.after},
            [&]() -> absl::Status {
              ASSIGN_OR_RETURN(const registry::Connection updated,
                               registry.UpdateConnection(current.name, settings, current.etag));
              *response = Shown(updated);
              return absl::OkStatus();
            }));
        return administration_.RefreshSnapshot();
      });
}

grpc::Status ConnectionsService::PreferAudience(grpc::ServerContext* context,
                                                const v1::PreferAudienceRequest* request,
                                                v1::Connection* response) {
  return administration_.Run(
      {*context, "PreferAudience", request->name(), {Operation::kSign}, request->on_behalf_of()},
      [&](PermittedCall& call) -> absl::Status {
        call.record.aud = request->audience();
        ASSIGN_OR_RETURN(
            const registry::Connection preferred,
            administration_.registry().PreferAudience(request->name(), request->audience()));
        // Signing shows nobody the settings: those are for who may view them.
        response->set_name(preferred.name);
        if (call.policy.Allows(call.record.identity, request->name(), Operation::kView)) {
          *response = Shown(preferred);
        }
        // Callers may ask for what is so already, after each login: that costs no new
        // picture of the whole registry.
        const std::shared_ptr<const registry::Snapshot> snapshot =
            administration_.parts().snapshots.Get();
        const registry::Connection* known = snapshot->FindConnection(request->name());
        if (known != nullptr && known->etag == preferred.etag) return absl::OkStatus();
        if (known != nullptr) {
          RecordDifference(known->settings, preferred.settings, call.record);
        }
        return administration_.RefreshSnapshot();
      });
}

grpc::Status ConnectionsService::DeleteConnection(grpc::ServerContext* context,
                                                  const v1::DeleteConnectionRequest* request,
                                                  v1::DeleteConnectionResponse* response) {
  return administration_.Run(
      {*context, "DeleteConnection", request->name(), OperationsOf("DeleteConnection")},
      [&](PermittedCall& call) -> absl::Status {
        RETURN_IF_ERROR(CheckHasEtag(request->etag()));
        ASSIGN_OR_RETURN(const registry::Connection current,
                         administration_.registry().GetConnection(request->name()));
        RETURN_IF_ERROR(CheckEtag(current, request->etag()));
        return administration_.MakeChange(
            call,
            {.method = "DeleteConnection",
             .connection = current.name,
             .create_time = current.create_time,
             .request = CanonicalRequest(*request),
             .changes = {Change::kDestroy},
             .before = SettingsJson(current.settings)},
            [&]() -> absl::Status {
              const absl::StatusOr<uint32_t> destroyed =
                  administration_.parts().lifecycle.DeleteConnection(current.name, current.etag,
                                                                     DeadlineOf(*context));
              // Also after a failure half-way: the connection signs nothing any more.
              absl::Status refreshed = administration_.RefreshSnapshot();
              RETURN_IF_ERROR(destroyed.status());
              response->set_destroyed_key_versions(*destroyed);
              return refreshed;
            });
      });
}

grpc::Status ConnectionsService::GetCertificate(grpc::ServerContext* context,
                                                const v1::GetCertificateRequest* request,
                                                v1::Certificate* response) {
  return administration_.Run(
      {*context, "GetCertificate", request->connection(), {Operation::kView}},
      [&](PermittedCall& /*call*/) -> absl::Status {
        ASSIGN_OR_RETURN(
            const registry::KeyVersion version,
            ChooseVersion(administration_.registry(), request->connection(), NumberOf(*request)));
        ASSIGN_OR_RETURN(*response, CertificateToProto(version));
        return absl::OkStatus();
      });
}

}  // namespace keyward::signer
