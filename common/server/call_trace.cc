#include "common/server/call_trace.h"

#include <iterator>
#include <utility>

#include "absl/strings/string_view.h"

namespace keyward::server {

std::optional<Traceparent> TraceparentOf(const grpc::ServerContextBase& context) {
  const auto [first, end] = context.client_metadata().equal_range(kTraceparentHeader);
  if (first == end || std::next(first) != end) return std::nullopt;
  return ParseTraceparent(absl::string_view(first->second.data(), first->second.size()));
}

std::string TraceIdOf(const grpc::ServerContextBase& context) {
  std::optional<Traceparent> traceparent = TraceparentOf(context);
  return traceparent ? std::move(traceparent->trace_id) : std::string();
}

}  // namespace keyward::server
