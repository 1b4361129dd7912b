// The administrator's side of the stand-in: what a person does in Salesforce's
// Setup pages.
#ifndef KEYWARD_TESTS_STANDIN_ADMIN_API_H_
#define KEYWARD_TESTS_STANDIN_ADMIN_API_H_

#include "tests/standin/journal.h"
#include "tests/standin/state.h"

namespace httplib {
class Server;
}  // namespace httplib

namespace keyward::standin {

// Serves on `server`, in JSON; an error is {"error": REASON, "message": text}:
//   POST   /apps  {"name", "users"?, "scopes"?, "admin_approved"?}
//                                  -> 201 {"consumer_key"}. scopes are api and
//                                  refresh_token unless given
//   GET    /apps                   -> [{"consumer_key", "name", "users",
//                                  "scopes", "admin_approved", "certificate"}]
//   PUT    /apps/KEY/certificate   PEM or DER, at most 4096 bytes -> 204
//   DELETE /apps/KEY/certificate   as a deploy that leaves it out -> 204
//   PUT    /apps/KEY/users         ["user@example.com"] -> 204
//   PUT    /users/NAME             {"active": false} -> 204
//   GET    /journal                -> [{"time", "method", "endpoint", "iss",
//                                  "sub", "status", "error", "description"}]
//   GET    /sessions               -> [{"username", "consumer_key", "expires"}]
//   DELETE /sessions               ends all -> 204
// `state` and `journal` must outlive `server`.
void ServeAdminApi(httplib::Server& server, State& state, const Journal& journal);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_ADMIN_API_H_
