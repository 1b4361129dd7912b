// An API call with an access token: what every resource does alike.
#ifndef KEYWARD_TESTS_STANDIN_REST_CALL_H_
#define KEYWARD_TESTS_STANDIN_REST_CALL_H_

#include <httplib.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/standin/endpoint.h"

namespace keyward::standin {

struct RestAnswer {
  int status = 200;
  nlohmann::json body;
};

// What an operation may know about the request that it answers.
struct RestCall {
  const httplib::Request& request;
  const Session& session;
  const State& state;
};

using RestOperation = RestAnswer (*)(const RestCall&);

// The array of one error that the REST API answers with.
RestAnswer RestFailure(int status, const char* code, absl::string_view message);
// 404
RestAnswer RestNotFound();

// The token of an Authorization header, "" when there is none.
std::string BearerToken(const httplib::Request& request);

// `operation` for a live token only, else 401 INVALID_SESSION_ID. A token without
// the scope `api` gets Salesforce's other 401, "not valid for use with the REST API",
// when `needs_api` is set; a user without API access gets 403.
Operation Authenticated(const Parts& parts, RestOperation operation, bool needs_api);

// /id/ORG/USER of the session's user, "" for USER when the org does not know it.
std::string IdentityPath(const RestCall& call);

// Who the session's user is, with the names that both identity and userinfo have.
nlohmann::json Profile(const RestCall& call);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_REST_CALL_H_
