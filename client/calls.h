// One way to call several services over several channels. Internal to the client
// library.
#ifndef KEYWARD_CLIENT_CALLS_H_
#define KEYWARD_CLIENT_CALLS_H_

#include <grpcpp/client_context.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/channels.h"
#include "client/grpc_error.h"
#include "client/retry.h"
#include "common/status_macros.h"
#include "common/trace_context.h"

namespace keyward::client {

// Whether `text` is a traceparent of W3C Trace Context section 3.2, version 00.
bool IsTraceparent(absl::string_view text);

// `Services` are the generated classes, such as v1::Signer. Thread-safe.
template <typename... Services>
class Calls {
 public:
  Calls(Service service, std::vector<Channels::Entry> channels, const RetryPolicy& retry)
      : service_(service), retry_(retry), channels_(std::move(channels)) {
    for (size_t i = 0; i < channels_.size(); ++i) {
      stubs_.emplace_back(Services::NewStub(channels_.channel(i))...);
    }
  }

  // A stub's method, by which the service is known.
  template <typename Stub, typename Request, typename Response>
  using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);

  // `traceparent` is sent along where it is one.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Once(Method<Stub, Request, Response> method, const Request& request,
                                absl::Time deadline, const std::string& traceparent = "") {
    return CallOn(channels_.Pick(deadline), method, request, deadline, traceparent);
  }

  // For calls that may be repeated. Each try is on another channel than the one before.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Repeatably(Method<Stub, Request, Response> method,
                                      const Request& request, absl::Time deadline,
                                      const std::string& traceparent = "") {
    absl::StatusOr<Response> response;
    std::optional<size_t> failed;
    RETURN_IF_ERROR(CallWithRetries(retry_, deadline, [&] {
      const size_t index = channels_.Pick(deadline, failed);
      failed = index;
      response = CallOn(index, method, request, deadline, traceparent);
      return response.status();
    }));
    return response;
  }

 private:
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> CallOn(size_t index, Method<Stub, Request, Response> method,
                                  const Request& request, absl::Time deadline,
                                  const std::string& traceparent) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline));
    if (IsTraceparent(traceparent)) context.AddMetadata(kTraceparentHeader, traceparent);
    Stub& stub = *std::get<std::unique_ptr<Stub>>(stubs_[index]);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (status.ok()) return response;
    return FromGrpcStatus(status, service_, channels_.Describe(index));
  }

  const Service service_;
  const RetryPolicy retry_;
  Channels channels_;
  // One of each service for each channel.
  std::vector<std::tuple<std::unique_ptr<typename Services::Stub>...>> stubs_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_CALLS_H_
