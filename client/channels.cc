#include "client/channels.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"

namespace keyward::client {
namespace {

// Only the first of several channels can be waited for; the others are looked at this
// often meanwhile.
constexpr absl::Duration kLook = absl::Milliseconds(10);

bool IsOnItsWay(grpc_connectivity_state state) {
  return state == GRPC_CHANNEL_IDLE || state == GRPC_CHANNEL_CONNECTING;
}

}  // namespace

Channels::Channels(std::vector<Entry> entries) : entries_(std::move(entries)) {}

size_t Channels::Pick(absl::Time deadline, std::optional<size_t> avoid) {
  // gRPC itself waits for the only one.
  if (size() == 1) return 0;
  const size_t first = turn_.fetch_add(1, std::memory_order_relaxed);
  while (true) {
    std::optional<size_t> ready;
    std::optional<size_t> on_its_way;
    for (size_t i = 0; i < size(); ++i) {
      const size_t index = (first + i) % size();
      // Asked of every one: what was idle is then connected before its turn comes.
      const grpc_connectivity_state state = channel(index)->GetState(true);
      if (state == GRPC_CHANNEL_READY && (!ready || ready == avoid)) ready = index;
      if (IsOnItsWay(state) && !on_its_way) on_its_way = index;
    }
    if (ready) return *ready;
    if (!on_its_way || absl::Now() >= deadline) {
      const size_t index = first % size();
      return index == avoid ? (index + 1) % size() : index;
    }
    channel(*on_its_way)
        ->WaitForStateChange(channel(*on_its_way)->GetState(false),
                             absl::ToChronoTime(std::min(deadline, absl::Now() + kLook)));
  }
}

std::string Channels::Describe(size_t index) const {
  const bool any_ready = std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return entry.channel->GetState(false) == GRPC_CHANNEL_READY;
  });
  if (any_ready) return entries_[index].address;
  return absl::StrJoin(entries_, " or ",
                       [](std::string* out, const Entry& entry) { out->append(entry.address); });
}

}  // namespace keyward::client
