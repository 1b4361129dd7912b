// The small part of Salesforce's REST API that clients use to see whether an
// access token works.
#ifndef KEYWARD_TESTS_STANDIN_REST_API_H_
#define KEYWARD_TESTS_STANDIN_REST_API_H_

#include "tests/standin/endpoint.h"

namespace keyward::standin {

// Serves on `server`, each for a live access token only, see Authenticated():
//   GET /services/data                  the API versions; without any token too, as
//                                       at Salesforce
//   GET /services/data/vNN.0            the resources of one version
//   GET /services/data/vNN.0/query?q=S  the records of a SELECT; Organization
//                                       and User have one, other objects none.
//                                       With columns=true, its columns instead
//   GET /services/data/vNN.0/limits     API requests left
//   GET /services/data/vNN.0/sobjects   Organization and User
//   GET /services/data/vNN.0/sobjects/OBJECT/describe
//   GET /services/data/vNN.0/sobjects/OBJECT/ID
// The parts must outlive `server`.
void ServeRestApi(httplib::Server& server, const Parts& parts);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_REST_API_H_
