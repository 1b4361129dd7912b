#include "tests/bench/channels.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "tests/bench/or_die.h"

namespace keyward::bench {
namespace {

constexpr int kMaxChannels = 4;

}  // namespace

Channels ConnectedChannels(const std::string& address, const std::string& pki, int in_flight,
                           const std::string& client) {
  const auto read = [&](const std::string& name) {
    return OrDie(ReadFile(absl::StrCat(pki, "/", name)));
  };
  const auto credentials =
      grpc::SslCredentials({read("ca.pem"), read(client + ".key"), read(client + ".pem")});
  Channels channels;
  for (int i = 0; i < std::min(in_flight, kMaxChannels); ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channels.push_back(grpc::CreateCustomChannel(address, credentials, arguments));
    const auto deadline = absl::ToChronoTime(absl::Now() + absl::Seconds(10));
    if (!channels.back()->WaitForConnected(deadline)) Die(absl::StrCat(address, " is not reached"));
  }
  return channels;
}

}  // namespace keyward::bench
