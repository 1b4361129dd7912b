#include "tests/bench/load.h"

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <algorithm>
#include <cstdio>

#include "absl/time/clock.h"
#include "tests/bench/cpu_time.h"

namespace keyward::bench {
namespace {

struct Call {
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Time start;
  grpc::GenericStub* stub = nullptr;
};

void Start(Call& call, const LoadOptions& options, const grpc::ByteBuffer& request,
           grpc::CompletionQueue& queue) {
  call.context = std::make_unique<grpc::ClientContext>();
  call.context->set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  call.start = absl::Now();
  call.response.Clear();
  call.reader = call.stub->PrepareUnaryCall(call.context.get(), options.method, request, &queue);
  call.reader->StartCall();
  call.reader->Finish(&call.response, &call.status, &call);
}

double Percentile(std::vector<double>& values, double fraction) {
  if (values.empty()) return 0;
  const auto at = static_cast<size_t>(fraction * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(at), values.end());
  return values[at];
}

}  // namespace

Figures CallAgainAndAgain(const LoadOptions& options) {
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
  for (const auto& channel : options.channels) {
    stubs.push_back(std::make_unique<grpc::GenericStub>(channel));
  }
  const grpc::Slice bytes(options.request);
  const grpc::ByteBuffer request(&bytes, 1);
  grpc::CompletionQueue queue;
  std::vector<Call> calls(static_cast<size_t>(options.in_flight));
  Figures figures;
  std::vector<double> milliseconds;

  const absl::Duration cpu_before = ProcessCpuTime(options.server);
  const absl::Time start = absl::Now();
  const absl::Time end = start + options.duration;
  for (size_t i = 0; i < calls.size(); ++i) {
    calls[i].stub = stubs[i % stubs.size()].get();
    Start(calls[i], options, request, queue);
  }
  size_t under_way = calls.size();
  void* tag = nullptr;
  bool ok = false;
  while (under_way > 0 && queue.Next(&tag, &ok)) {
    Call& call = *static_cast<Call*>(tag);
    if (call.status.ok()) {
      milliseconds.push_back(absl::ToDoubleMilliseconds(absl::Now() - call.start));
    } else if (figures.failures++ == 0) {
      fprintf(stderr, "a call failed: %s\n", call.status.error_message().c_str());
    }
    if (absl::Now() < end) {
      Start(call, options, request, queue);
    } else {
      --under_way;
    }
  }
  const absl::Duration cpu = ProcessCpuTime(options.server) - cpu_before;
  figures.calls = static_cast<double>(milliseconds.size());
  figures.per_second = figures.calls / absl::ToDoubleSeconds(absl::Now() - start);
  figures.cpu_microseconds_per_call = absl::ToDoubleMicroseconds(cpu) / figures.calls;
  figures.p50_milliseconds = Percentile(milliseconds, 0.50);
  figures.p99_milliseconds = Percentile(milliseconds, 0.99);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return figures;
}

}  // namespace keyward::bench
