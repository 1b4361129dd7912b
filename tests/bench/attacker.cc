#include "tests/bench/attacker.h"

#include <grpcpp/support/status_code_enum.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/bench/channels.h"
#include "tests/bench/good_call.h"
#include "tests/bench/or_die.h"
#include "tests/testing/hostile_connections.h"
#include "tests/testing/hostile_flood.h"

namespace keyward::bench {
namespace {

using testing::HostileCall;

constexpr char kRole[] = "--attacker";
constexpr char kBegun[] = "attacking\n";
constexpr char kEnd[] = "attacked %lf %lf\n";

constexpr int kMalformedInFlight = 200;
constexpr int kBombsInFlight = 20;
constexpr int kValidInFlight = 500;
constexpr int kSilent = 2000;
constexpr int kSlow = 20;
constexpr int kStreamsOfSlow = 200;
constexpr absl::Duration kBetweenBytes = absl::Milliseconds(10);

std::atomic<bool> stopping = false;

struct Place {
  std::string address;
  std::string pki;
  std::string client;
};

struct Counts {
  double made = 0;
  double signatures = 0;
};

void SayBegun() {
  fputs(kBegun, stdout);
  fflush(stdout);
}

Counts Flood(const Place& place, int in_flight, const std::function<HostileCall(uint64_t)>& make) {
  const Channels channels = ConnectedChannels(place.address, place.pki, in_flight, place.client);
  SayBegun();
  const std::map<int, int> codes = testing::Flood({.channels = channels,
                                                   .calls = std::numeric_limits<int>::max(),
                                                   .in_flight = in_flight,
                                                   .make = make,
                                                   .stop = [] { return stopping.load(); }});
  Counts counts;
  for (const auto& [code, count] : codes) {
    counts.made += count;
    if (code == grpc::StatusCode::OK) counts.signatures += count;
  }
  return counts;
}

// Thousands of silent connections, and calls that arrive byte by byte.
Counts HoldConnections(const Place& place) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 8192);
  setrlimit(RLIMIT_NOFILE, &limit);
  const std::string credentials = absl::StrCat(place.pki, "/", place.client);
  const auto connections = std::make_unique<testing::HostileConnections>(
      place.address, credentials + ".pem", credentials + ".key");
  for (int i = 0; i < kSlow; ++i) {
    if (!connections->OpenSlow(kStreamsOfSlow).ok()) Die("no slow streams");
  }
  for (int i = 0; i < kSilent; ++i) {
    if (!connections->OpenSilent().ok()) Die("no silent connection");
  }
  SayBegun();
  Counts counts;
  while (!stopping) {
    connections->Dribble();
    counts.made += kSlow * kStreamsOfSlow;
    absl::SleepFor(kBetweenBytes);
  }
  return counts;
}

Counts Run(const std::string& kind, const Place& place) {
  const std::string good = GoodClaims();
  if (kind == "malformed") {
    return Flood(place, kMalformedInFlight, [&](uint64_t number) {
      return testing::MakeHostileCall(number, kGoodConnection, good);
    });
  }
  if (kind == "metadata") return Flood(place, kBombsInFlight, &testing::MakeMetadataBomb);
  if (kind == "connections") return HoldConnections(place);
  const HostileCall valid{.method = kSignMethod, .bytes = GoodRequest()};
  return Flood(place, kValidInFlight, [&](uint64_t /*number*/) { return valid; });
}

}  // namespace

Attacker::Attacker(const Attack& attack, const std::string& address, const std::string& pki)
    : process_(testing::Daemon::Start(
          {"/proc/self/exe", kRole, attack.kind, address, pki, attack.client})) {
  if (!process_->WaitForOutput(kBegun)) Die(process_->Output());
}

AttackFigures Attacker::Stop() {
  process_->Signal(SIGTERM);
  if (process_->Wait() != 0) Die(absl::StrCat("the attack failed: ", process_->Output()));
  const std::string output = process_->Output();
  AttackFigures figures;
  const size_t at = std::min(output.rfind("attacked"), output.size());
  if (sscanf(output.c_str() + at, kEnd, &figures.per_second, &figures.signatures_per_second) != 2) {
    Die(absl::StrCat("the attacker does not say what it did: ", output));
  }
  return figures;
}

int RunAsAttacker(int argc, char** argv) {
  if (argc != 6 || std::string(argv[1]) != kRole) return -1;
  if (setpriority(PRIO_PROCESS, 0, 19) != 0) Die("cannot be nice");
  signal(SIGTERM, [](int /*signal*/) { stopping = true; });
  const absl::Time start = absl::Now();
  const Counts counts = Run(argv[2], {.address = argv[3], .pki = argv[4], .client = argv[5]});
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  printf(kEnd, counts.made / seconds, counts.signatures / seconds);
  return 0;
}

}  // namespace keyward::bench
