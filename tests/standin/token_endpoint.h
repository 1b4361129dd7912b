// POST /services/oauth2/token for the JWT bearer flow.
#ifndef KEYWARD_TESTS_STANDIN_TOKEN_ENDPOINT_H_
#define KEYWARD_TESTS_STANDIN_TOKEN_ENDPOINT_H_

#include <string>
#include <vector>

#include "tests/standin/endpoint.h"

namespace keyward::standin {

// Serves the endpoint on `server`. An assertion's `aud` must be one of
// `audiences`; when that is empty, https://login.salesforce.com,
// https://test.salesforce.com or the origin that the request was sent to. One
// trailing slash makes no difference. The app, its
// certificate and its policy are what the simulated server knows of them. The parts
// must outlive `server`.
//
// Refusals are Salesforce's own codes and texts, except where none is known:
// invalid_request for a form that is not exactly grant_type and assertion.
// There is no upper bound for `exp`, as Salesforce has none that shows:
// milliseconds, which its own command sends, are in the far future.
void ServeTokenEndpoint(httplib::Server& server, const Parts& parts,
                        std::vector<std::string> audiences);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_TOKEN_ENDPOINT_H_
