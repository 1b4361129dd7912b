// The channels to several servers that do the same. Internal to the client library.
#ifndef KEYWARD_CLIENT_CHANNELS_H_
#define KEYWARD_CLIENT_CHANNELS_H_

#include <grpcpp/channel.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace keyward::client {

// gRPC 1.51 lets no C++ program name several hosts for one channel, so there is one for
// each, and the choice is made here. Thread-safe.
class Channels {
 public:
  // At least one, each with the address that messages name.
  struct Entry {
    std::string address;
    std::shared_ptr<grpc::Channel> channel;
  };
  explicit Channels(std::vector<Entry> entries);

  size_t size() const { return entries_.size(); }
  const std::shared_ptr<grpc::Channel>& channel(size_t index) const {
    return entries_[index].channel;
  }

  // Which channel the next call is to use: in turn one that is connected. Where none is
  // but some are being connected, waits for one of them, until `deadline` at most. Not
  // `avoid`, the one that failed, unless nothing else is connected.
  size_t Pick(absl::Time deadline, std::optional<size_t> avoid = std::nullopt);

  // The address of a call that failed on `index`; all of them where none is connected.
  std::string Describe(size_t index) const;

 private:
  const std::vector<Entry> entries_;
  std::atomic<size_t> turn_ = 0;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_CHANNELS_H_
