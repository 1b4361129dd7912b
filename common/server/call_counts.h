// How many calls a daemon has answered, and how.
#ifndef KEYWARD_COMMON_SERVER_CALL_COUNTS_H_
#define KEYWARD_COMMON_SERVER_CALL_COUNTS_H_

#include <google/protobuf/descriptor.h>
#include <grpcpp/support/status.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/registry.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace keyward::server {

// keyward_calls_total{method,code}: a counter for each method of the daemon's services
// and canonical code, such as {method="Sign",code="PERMISSION_DENIED"}. Those of OK are
// there from the start, the others from their first call on; so the labels are a closed
// list whatever callers do. Thread-safe.
class CallCounts {
 public:
  // Registers with `registry`, which outlives this. No two methods of `services` have
  // the same name.
  CallCounts(prometheus::Registry& registry,
             const std::vector<const google::protobuf::ServiceDescriptor*>& services);
  CallCounts(const CallCounts&) = delete;
  CallCounts& operator=(const CallCounts&) = delete;

  // Counts an answer to `method`, by its short name: "Sign". Call it before the answer
  // goes out, so that who has it finds it counted. A name that is none of `services`'
  // is not counted, nor is a code that is none of the canonical ones. Neither locks nor
  // allocates after the first of a kind; methods are looked for in the order given.
  void Count(absl::string_view method, const grpc::Status& status);

 private:
  static constexpr size_t kCodes = 17;

  struct Method {
    std::string name;
    std::array<std::atomic<prometheus::Counter*>, kCodes> counters = {};
  };

  prometheus::Counter& CounterOf(Method& method, size_t code);

  prometheus::Family<prometheus::Counter>& family_;
  // Never changes its size after construction.
  std::vector<Method> methods_;
};

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_CALL_COUNTS_H_
