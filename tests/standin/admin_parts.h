// The parts of the administration, by what they administer. Each serves on `server`;
// what it is given must outlive that.
#ifndef KEYWARD_TESTS_STANDIN_ADMIN_PARTS_H_
#define KEYWARD_TESTS_STANDIN_ADMIN_PARTS_H_

#include <httplib.h>

#include <nlohmann/json_fwd.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/standin/endpoint.h"

namespace keyward::standin {

// /apps, /users
void ServeOrgAdministration(httplib::Server& server, State& state);
// /sessions
void ServeSessionAdministration(httplib::Server& server, State& state);
// /limits, /clock, /propagation
void ServeStateAdministration(httplib::Server& server, State& state);
// /refusals, /faults
void ServeTroubleAdministration(httplib::Server& server, OrderedRefusals& refusals, Faults& faults);
// /journal
void ServeJournalAdministration(httplib::Server& server, Journal& journal);

// 204, or the error.
void Finish(httplib::Response& response, const absl::Status& status);
// `code` with the body, or the error.
void Finish(httplib::Response& response, int code, const absl::StatusOr<nlohmann::json>& body);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_ADMIN_PARTS_H_
