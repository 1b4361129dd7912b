// What signer/signing_service hands its calls to.
#ifndef KEYWARD_SIGNER_CALL_SIGNER_H_
#define KEYWARD_SIGNER_CALL_SIGNER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "keyward/v1/signer.pb.h"

namespace grpc {
class AuthContext;
}

namespace keyward::signer {

// A call of Sign as it came in.
struct IncomingCall {
  // Who calls, as CallSigner::Identify() says.
  const std::string& caller;
  // Outlives the call of CallSigner that it is given to.
  const v1::SignRequest& request;
  // W3C trace id, empty for none.
  std::string trace_id;
};

// Thread-safe.
class CallSigner {
 public:
  // Called once with the answer, or with the error that the caller gets.
  using Done = std::function<void(absl::StatusOr<v1::SignResponse>)>;

  struct Caller {
    // The identity as signer/caller_identity writes it, also where it is not trusted; empty
    // where there is none.
    std::string name;
    // Why not, UNAUTHENTICATED, where it is not.
    absl::Status refusal = absl::OkStatus();
  };

  virtual ~CallSigner() = default;

  // Who calls, asked before the call gets a place in the queue: those are shared out by
  // caller.
  virtual Caller Identify(const grpc::AuthContext& peer) = 0;

  // Decides and signs, and calls `done`, perhaps later on another thread. May block as
  // long as the token takes, and for a session not past `deadline`.
  virtual void Sign(const IncomingCall& call, absl::Time deadline, Done done) = 0;

  // Refuses a call with `why` without looking at it further.
  virtual void Refuse(const IncomingCall& call, const absl::Status& why, const Done& done) = 0;

  // Says that no call is being worked on, so that nothing need be gathered further.
  virtual void FinishGroup() = 0;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_CALL_SIGNER_H_
