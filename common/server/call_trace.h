// The distributed trace that a call belongs to.
#ifndef KEYWARD_COMMON_SERVER_CALL_TRACE_H_
#define KEYWARD_COMMON_SERVER_CALL_TRACE_H_

#include <grpcpp/server_context.h>

#include <optional>

#include "common/trace_context.h"

namespace keyward::server {

// The call's `traceparent`, where its metadata has exactly one and it is well-formed. A
// caller that sends two has made no statement. Thread-safe.
std::optional<Traceparent> TraceparentOf(const grpc::ServerContextBase& context);

// Its trace id, empty where there is none.
std::string TraceIdOf(const grpc::ServerContextBase& context);

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_CALL_TRACE_H_
