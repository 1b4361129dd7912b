// Test Connection: every step from the key on the token to a call of Salesforce's
// API, with what to change where one fails.
#ifndef KEYWARD_CLIENT_TEST_CONNECTION_TEST_CONNECTION_H_
#define KEYWARD_CLIENT_TEST_CONNECTION_TEST_CONNECTION_H_

#include <keyward/v1/exchange.pb.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace keyward::client {

class HttpsClient;
class SignerClient;

// What a test works with. Everything must outlive the call.
struct TestConnectionParts {
  SignerClient& signer;
  HttpsClient& https;
  // Asked before each login at Salesforce, so that tests count against the same hourly
  // budget as everyone's logins; an error keeps the login from being tried and anything
  // from being signed for it, and is what the report shows then. Null for no budget.
  std::function<absl::Status(const std::string& connection, const std::string& subject)>
      take_login = nullptr;
  // Gives back what take_login() took, where nothing was signed and so nothing was sent.
  std::function<void(const std::string& connection, const std::string& subject)> return_login =
      nullptr;
  // How the signer's errors are told to who reads the report: a service that tests for
  // others has addresses and a role of its own, which are none of theirs. Null for as
  // they are.
  std::function<absl::Status(const absl::Status&)> signer_error = nullptr;
  // Whether keyward-exchange tests: then the report names its settings, not the command's.
  bool by_exchange = false;
  // The clock that is judged, and that assertions are dated by.
  std::function<absl::Time()> now = [] { return absl::Now(); };
};

struct TestConnectionCall {
  v1::TestConnectionRequest request;
  // For the signer's audit log: on whose behalf it signs. Empty for the caller itself.
  std::string on_behalf_of = {};
  // W3C trace context; empty for none.
  std::string traceparent = {};
  absl::Time deadline = absl::InfiniteFuture();
  // Asked with the subject once it is known, before anything is tried for it; its error
  // ends the call. Null: yes.
  std::function<absl::Status(const std::string& subject)> check_subject = nullptr;
  // Called with each step as soon as its result is there, on the calling thread. May be
  // null.
  std::function<void(const v1::TestStep&)> on_step = nullptr;
};

// Tests the connection and reports. Blocks, at most until the deadline. May be called
// from many threads.
//
// Always logs in anew and leaves other sessions alone: nothing is cached, nothing is
// revoked. Where another audience than the first of the connection's list works, the
// signer is asked to put it first. Neither the report nor an error holds an assertion
// or an access token.
//
// A connection that does not work is a report, and so is a deadline that passes while
// Salesforce is asked. Errors only where there is no report:
//   INVALID_ARGUMENT   the connection's name is malformed, or `key_version` is 0
//   NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE …   the signer's answer to the question
//     for the connection (GetConnection), as signer_error() tells it
//   DEADLINE_EXCEEDED DEADLINE_PASSED   before anything was tried
//   what check_subject() says
absl::StatusOr<v1::TestConnectionResponse> TestConnection(const TestConnectionParts& parts,
                                                          const TestConnectionCall& call);

// "login host", for people.
absl::string_view StepName(v1::TestStep::Kind kind);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TEST_CONNECTION_TEST_CONNECTION_H_
