// The administrator's side of the stand-in: what a person does in Salesforce's
// Setup pages, and what a test orders. docs/standin.md describes every call.
#ifndef KEYWARD_TESTS_STANDIN_ADMIN_API_H_
#define KEYWARD_TESTS_STANDIN_ADMIN_API_H_

#include "tests/standin/endpoint.h"

namespace keyward::standin {

// Serves on `server`, in JSON; an error is {"error": REASON, "message": text}. The
// parts must outlive `server`.
void ServeAdminApi(httplib::Server& server, const Parts& parts);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_ADMIN_API_H_
