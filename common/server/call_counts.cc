#include "common/server/call_counts.h"

#include "absl/status/status.h"

namespace keyward::server {
namespace {

size_t CountMethods(const std::vector<const google::protobuf::ServiceDescriptor*>& services) {
  size_t count = 0;
  for (const auto* service : services) count += static_cast<size_t>(service->method_count());
  return count;
}

}  // namespace

CallCounts::CallCounts(prometheus::Registry& registry,
                       const std::vector<const google::protobuf::ServiceDescriptor*>& services)
    : family_(prometheus::BuildCounter()
                  .Name("keyward_calls_total")
                  .Help("Calls that were answered, by method and canonical gRPC code.")
                  .Register(registry)),
      methods_(CountMethods(services)) {
  size_t next = 0;
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      Method& method = methods_[next++];
      method.name = service->method(i)->name();
      CounterOf(method, static_cast<size_t>(grpc::StatusCode::OK));
    }
  }
}

void CallCounts::Count(absl::string_view method, const grpc::Status& status) {
  const auto code = static_cast<size_t>(status.error_code());
  if (code >= kCodes) return;
  for (Method& known : methods_) {
    if (known.name == method) return CounterOf(known, code).Increment();
  }
}

prometheus::Counter& CallCounts::CounterOf(Method& method, size_t code) {
  prometheus::Counter* counter = method.counters[code].load(std::memory_order_acquire);
  if (counter == nullptr) {
    // absl and gRPC use the same numbers. Whoever comes second gets the same counter.
    const std::string name = absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
    counter = &family_.Add({{"method", method.name}, {"code", name}});
    method.counters[code].store(counter, std::memory_order_release);
  }
  return *counter;
}

}  // namespace keyward::server
