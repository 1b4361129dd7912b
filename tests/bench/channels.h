// Connections of a benchmark's callers.
#ifndef KEYWARD_TESTS_BENCH_CHANNELS_H_
#define KEYWARD_TESTS_BENCH_CHANNELS_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <vector>

namespace keyward::bench {

using Channels = std::vector<std::shared_ptr<grpc::Channel>>;

// As many as `in_flight` calls are spread over: one each, and no more than a few. Each is a
// TLS connection of its own to `address` as `client` of the PKI in `pki` (scripts/dev-pki),
// and made before this returns. Ends the process where it cannot be.
Channels ConnectedChannels(const std::string& address, const std::string& pki, int in_flight,
                           const std::string& client = "backend");

}  // namespace keyward::bench

#endif  // KEYWARD_TESTS_BENCH_CHANNELS_H_
