#include "tests/standin/admin_api.h"

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "tests/standin/admin_parts.h"
#include "tests/standin/http.h"

namespace keyward::standin {

void Finish(httplib::Response& response, const absl::Status& status) {
  if (status.ok()) {
    response.status = 204;
    return;
  }
  const int code = absl::IsInvalidArgument(status) ? 400
                   : absl::IsNotFound(status)      ? 404
                   : absl::IsAlreadyExists(status) ? 409
                                                   : 500;
  Answer(response, code,
         {{"error", ReasonOf(status).value_or("INTERNAL")},
          {"message", std::string(status.message())}});
}

void Finish(httplib::Response& response, int code, const absl::StatusOr<nlohmann::json>& body) {
  if (!body.ok()) return Finish(response, body.status());
  Answer(response, code, *body);
}

void ServeAdminApi(httplib::Server& server, const Parts& parts) {
  ServeOrgAdministration(server, parts.state);
  ServeSessionAdministration(server, parts.state);
  ServeStateAdministration(server, parts.state);
  ServeTroubleAdministration(server, parts.refusals, parts.faults);
  ServeJournalAdministration(server, parts.journal);
}

}  // namespace keyward::standin
