#include "client/test_connection/test_connection.h"

#include "client/claims_for_connection.h"
#include "client/signer_client.h"
#include "client/test_connection/test_run.h"
#include "common/connection_name.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {

absl::StatusOr<v1::TestConnectionResponse> TestConnection(const TestConnectionParts& parts,
                                                          const TestConnectionCall& call) {
  const v1::TestConnectionRequest& request = call.request;
  RETURN_IF_ERROR(CheckConnectionName(request.connection()));
  if (request.has_key_version() && request.key_version() == 0) {
    return Error(absl::StatusCode::kInvalidArgument, "KEY_VERSION_INVALID",
                 "key versions are numbered from 1 on; leave key_version out for the ACTIVE one");
  }
  if (call.deadline <= absl::Now()) {
    return Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
                 "the deadline passed before the test began");
  }
  absl::StatusOr<v1::Connection> connection =
      parts.signer.GetConnection(request.connection(), call.deadline);
  if (!connection.ok()) {
    return parts.signer_error == nullptr ? connection.status()
                                         : parts.signer_error(connection.status());
  }
  if (const absl::StatusOr<std::string> subject = SubjectOf(*connection, request.subject());
      subject.ok() && call.check_subject != nullptr) {
    RETURN_IF_ERROR(call.check_subject(*subject));
  }
  return TestRun(parts, call, *std::move(connection)).Run();
}

}  // namespace keyward::client
