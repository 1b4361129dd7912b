// Freezing and thawing, of the Connections service.
#include <utility>

#include "common/status_macros.h"
#include "signer/connection_rules.h"
#include "signer/connections_service.h"
#include "signer/conversions.h"

namespace keyward::signer {
namespace {

// As JSON objects, for the record and for who approves.
constexpr char kFrozen[] = R"({"frozen":true})";
constexpr char kNotFrozen[] = R"({"frozen":false})";
constexpr char kEmergency[] = R"({"emergency_freeze":true})";
constexpr char kNoEmergency[] = R"({"emergency_freeze":false})";

absl::Status TakeComment(const std::string& comment, AuditRecord& record) {
  RETURN_IF_ERROR(CheckComment(comment));
  record.comment = comment;
  return absl::OkStatus();
}

// Before it is frozen, and whatever comes of it: an approval to thaw was given for the
// freeze that was then. One that is kept must not end the next, by one person's word.
absl::Status UseUpThaws(registry::Registry& registry, absl::string_view method,
                        absl::string_view connection) {
  return registry.approvals().UseAll(method, connection);
}

}  // namespace

grpc::Status ConnectionsService::FreezeConnection(grpc::ServerContext* context,
                                                  const v1::FreezeConnectionRequest* request,
                                                  v1::Connection* response) {
  return administration_.Run({*context, "FreezeConnection", request->name(), {Operation::kDisable}},
                             [&](PermittedCall& call) -> absl::Status {
                               RETURN_IF_ERROR(TakeComment(request->comment(), call.record));
                               registry::Registry& registry = administration_.registry();
                               ASSIGN_OR_RETURN(const registry::Connection current,
                                                registry.GetConnection(request->name()));
                               call.record.before = current.frozen ? kFrozen : kNotFrozen;
                               call.record.after = kFrozen;
                               const absl::Status used_up =
                                   UseUpThaws(registry, "ThawConnection", request->name());
                               ASSIGN_OR_RETURN(const registry::Connection frozen,
                                                registry.SetFrozen(request->name(), true));
                               *response = Shown(frozen);
                               // Also where it was frozen already: a call before this one may have
                               // failed here.
                               RETURN_IF_ERROR(administration_.RefreshSnapshot());
                               return used_up;
                             });
}

grpc::Status ConnectionsService::ThawConnection(grpc::ServerContext* context,
                                                const v1::ThawConnectionRequest* request,
                                                v1::Connection* response) {
  return administration_.Run(
      {*context, "ThawConnection", request->name(), OperationsOf("ThawConnection")},
      [&](PermittedCall& call) -> absl::Status {
        RETURN_IF_ERROR(TakeComment(request->comment(), call.record));
        registry::Registry& registry = administration_.registry();
        ASSIGN_OR_RETURN(registry::Connection connection, registry.GetConnection(request->name()));
        if (connection.frozen) {
          RETURN_IF_ERROR(administration_.MakeChange(
              call,
              {.method = "ThawConnection",
               .connection = connection.name,
               .create_time = connection.create_time,
               .request = CanonicalRequest(*request),
               .changes = {Change::kThaw},
               .before = kFrozen,
               .after = kNotFrozen},
              [&]() -> absl::Status {
                ASSIGN_OR_RETURN(connection, registry.SetFrozen(request->name(), false));
                return absl::OkStatus();
              }));
        }
        *response = Shown(connection);
        return administration_.RefreshSnapshot();
      });
}

grpc::Status ConnectionsService::SetEmergencyFreeze(grpc::ServerContext* context,
                                                    const v1::SetEmergencyFreezeRequest* request,
                                                    v1::EmergencyFreeze* response) {
  const bool frozen = request->frozen();
  return administration_.RunForAllConnections(
      *context, "SetEmergencyFreeze", frozen ? Operation::kDisable : Operation::kActivate,
      [&](PermittedCall& call) -> absl::Status {
        RETURN_IF_ERROR(TakeComment(request->comment(), call.record));
        registry::Registry& registry = administration_.registry();
        ASSIGN_OR_RETURN(const bool current, registry.GetEmergencyFreeze());
        const char* before = current ? kEmergency : kNoEmergency;
        absl::Status used_up;
        if (frozen || !current) {
          call.record.before = before;
          call.record.after = frozen ? kEmergency : kNoEmergency;
          if (frozen) used_up = UseUpThaws(registry, "SetEmergencyFreeze", kAllConnections);
          RETURN_IF_ERROR(registry.SetEmergencyFreeze(frozen));
        } else {
          RETURN_IF_ERROR(
              administration_.MakeChange(call,
                                         {.method = "SetEmergencyFreeze",
                                          .connection = kAllConnections,
                                          .create_time = absl::UnixEpoch(),
                                          .request = CanonicalRequest(*request),
                                          .changes = {Change::kThaw},
                                          .before = before,
                                          .after = kNoEmergency},
                                         [&] { return registry.SetEmergencyFreeze(false); }));
        }
        response->set_frozen(frozen);
        RETURN_IF_ERROR(administration_.RefreshSnapshot());
        return used_up;
      });
}

}  // namespace keyward::signer
