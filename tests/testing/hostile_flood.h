// Requests that nobody honest sends, many of them.
#ifndef KEYWARD_TESTS_TESTING_HOSTILE_FLOOD_H_
#define KEYWARD_TESTS_TESTING_HOSTILE_FLOOD_H_

#include <grpcpp/channel.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace keyward::testing {

struct HostileCall {
  // "/keyward.v1.Signer/Sign", or one that is not there.
  std::string method;
  // What it sends; nothing says that this is a message.
  std::string bytes;
  // Names and values of metadata.
  std::multimap<std::string, std::string> metadata;
};

// The `number`th of a never-ending series: broken and truncated messages, random bytes,
// messages far over the limit, names that try paths and SQL, claims with every trick that
// JSON offers, much metadata, methods that are not there. None of them may ever be
// signed. `good_claims` are accepted claims of the connection `connection`, which the
// tricks begin from. The same for the same arguments.
HostileCall MakeHostileCall(uint64_t number, const std::string& connection,
                            const std::string& good_claims);

// Far more metadata than a server takes. It may end the connection, and with it the
// calls beside it.
HostileCall MakeMetadataBomb(uint64_t number);

struct FloodOptions {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  int calls = 0;
  int in_flight = 1;
  std::function<HostileCall(uint64_t)> make;
  // Asked between calls: true ends the flood early.
  std::function<bool()> stop = [] { return false; };
};

// Makes the calls, numbers 0 and up, and counts the answers by their gRPC code.
std::map<int, int> Flood(const FloodOptions& options);

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_TESTING_HOSTILE_FLOOD_H_
