// The small part of Salesforce's REST API that clients use to see whether an
// access token works.
#ifndef KEYWARD_TESTS_STANDIN_REST_API_H_
#define KEYWARD_TESTS_STANDIN_REST_API_H_

#include "tests/standin/journal.h"
#include "tests/standin/state.h"

namespace httplib {
class Server;
}  // namespace httplib

namespace keyward::standin {

// Serves on `server`, each for a live access token only, else 401 and
// INVALID_SESSION_ID:
//   GET /services/data                  the API versions (Salesforce itself
//                                       shows these to anyone)
//   GET /services/data/vNN.0            the resources of one version
//   GET /services/data/vNN.0/query?q=S  the records of a SELECT; Organization
//                                       and User have one, other objects none.
//                                       With columns=true, its columns instead
//   GET /id/ORG/USER                    who the token's user is
// `state` and `journal` must outlive `server`.
void ServeRestApi(httplib::Server& server, State& state, Journal& journal);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_REST_API_H_
