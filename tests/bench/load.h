// Callers of a unary method over mutual TLS.
#ifndef KEYWARD_TESTS_BENCH_LOAD_H_
#define KEYWARD_TESTS_BENCH_LOAD_H_

#include <grpcpp/channel.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/bench/figures.h"

namespace keyward::bench {

struct LoadOptions {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  // "/keyward.v1.Signer/Sign"
  std::string method;
  // Its request, serialized.
  std::string request;
  int in_flight = 1;
  absl::Duration duration;
  // The server, whose CPU time is read.
  pid_t server = 0;
};

// Keeps `in_flight` calls under way for `duration`. The answers are not parsed. The calls
// themselves cost CPU in this process; only the server's is counted.
Figures CallAgainAndAgain(const LoadOptions& options);

}  // namespace keyward::bench

#endif  // KEYWARD_TESTS_BENCH_LOAD_H_
