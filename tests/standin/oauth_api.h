// What an access token itself can be asked and told, beside the token endpoint.
#ifndef KEYWARD_TESTS_STANDIN_OAUTH_API_H_
#define KEYWARD_TESTS_STANDIN_OAUTH_API_H_

#include "tests/standin/endpoint.h"

namespace keyward::standin {

// Serves on `server`:
//   GET, POST /services/oauth2/userinfo   who the user of a live token is, in the
//                              words of OpenID Connect; else 401 INVALID_SESSION_ID
//   GET, POST /services/oauth2/revoke     ends the session of token=…, in the form
//                              or the query: 200 without a body; 400 invalid_token,
//                              or unsupported_token_type for a token_type_hint that
//                              is not access_token
//   GET       /id/ORG/USER     who the token's user is
// The parts must outlive `server`.
void ServeOauthApi(httplib::Server& server, const Parts& parts);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_OAUTH_API_H_
