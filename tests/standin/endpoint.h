// What every endpoint of the imitated Salesforce goes through: a simulated server is
// chosen, a fault may meet it, and the journal is written.
#ifndef KEYWARD_TESTS_STANDIN_ENDPOINT_H_
#define KEYWARD_TESTS_STANDIN_ENDPOINT_H_

#include <httplib.h>

#include <functional>

#include "tests/standin/faults.h"
#include "tests/standin/journal.h"
#include "tests/standin/refusals.h"
#include "tests/standin/state.h"

namespace keyward::standin {

// What the endpoints share; all outlive the servers.
struct Parts {
  State& state;
  Journal& journal;
  Faults& faults;
  OrderedRefusals& refusals;
};

// Fills the response, and of `entry` issuer, subject, audience, key_id, expires_in,
// error and description; `entry.server` is the simulated server.
using Operation =
    std::function<void(const httplib::Request&, httplib::Response&, JournalEntry& entry)>;

// `operation` as a handler. `endpoint` is what journal and faults call it.
httplib::Server::Handler Endpoint(const Parts& parts, const char* endpoint, Operation operation);

// `time` as a Date header has it (RFC 9110 section 5.6.7).
std::string HttpDate(absl::Time time);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_ENDPOINT_H_
