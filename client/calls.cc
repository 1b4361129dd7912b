#include "client/calls.h"

#include "absl/strings/match.h"
#include "common/trace_context.h"

namespace keyward::client {
namespace {

// Of version 00, whose length is fixed. What stands behind the fields of a higher version
// could be anything, also what gRPC takes no metadata of.
constexpr size_t kTraceparentBytes = 55;

}  // namespace

bool IsTraceparent(absl::string_view text) {
  return text.size() == kTraceparentBytes && absl::StartsWith(text, "00-") &&
         ParseTraceparent(text).has_value();
}

}  // namespace keyward::client
