// What an access token costs: the rate of Exchange answered from the cache, over mutual
// TLS, against that of an empty unary call over the same channels, in turns in one run;
// what a thousand callers of a token that is not there yet cause; and the memory and the
// logins of many entries.
//
//   exchange_bench [ROUNDS [SECONDS]]
//
// Fails where a figure that has nothing to do with speed is not what it must be.
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "common/file.h"
#include "keyward/v1/exchange.pb.h"
#include "tests/bench/channels.h"
#include "tests/bench/load.h"
#include "tests/bench/many_entries.h"
#include "tests/bench/or_die.h"
#include "tests/bench/rounds.h"
#include "tests/e2e_exchange/exchange_system.h"

namespace keyward::bench {
namespace {

constexpr int kInFlight[] = {1, 8, 64};
constexpr int kColdCallers = 1000;
// So that every caller is there before the login ends.
constexpr int kColdLoginMilliseconds = 1000;

struct ColdEntry {
  Figures calls;
  int signatures = 0;
  int logins = 0;

  bool is_right() const {
    return calls.calls == kColdCallers && calls.failures == 0 && signatures == 1 && logins == 1;
  }
};

class Bench {
 public:
  Bench() {
    if (!system_.Start()) Die(system_.daemon().Output());
    constexpr char kServing[] = "empty_exchange_server: serving on ";
    empty_ = testing::Daemon::Start({testing::Binary("empty_exchange_server"), "--config",
                                     system_.signer().File("exchange.yaml")});
    if (!empty_->WaitForOutput(kServing)) Die(empty_->Output());
    const std::string output = empty_->Output();
    const size_t at = output.find(kServing) + sizeof kServing - 1;
    empty_address_ = output.substr(at, output.find('\n', at) - at);
  }

  // The first that is asked for: before it there is no entry.
  ColdEntry CallColdEntry() {
    system_.standin().Fault(testing::kTokenEndpoint, "latency", 1,
                            {{"milliseconds", kColdLoginMilliseconds}});
    ColdEntry cold;
    // Each calls once: its time is over when it is answered.
    cold.calls = Exchange(kColdCallers, absl::ZeroDuration());
    cold.logins = system_.LoginAttempts();
    const std::string log = OrDie(ReadFile(system_.signer().File("audit.jsonl"), size_t{64} << 20));
    for (const absl::string_view line : absl::StrSplit(log, '\n')) {
      if (absl::StrContains(line, R"("method":"Sign")")) ++cold.signatures;
    }
    return cold;
  }

  Figures Exchange(int in_flight, absl::Duration duration) {
    v1::ExchangeRequest request;
    request.set_connection("acme");
    return Call(system_.address(), system_.daemon().pid(), request, in_flight, duration);
  }

  Figures Empty(int in_flight, absl::Duration duration) {
    return Call(empty_address_, empty_->pid(), {}, in_flight, duration);
  }

 private:
  Figures Call(const std::string& address, pid_t server, const v1::ExchangeRequest& request,
               int in_flight, absl::Duration duration) {
    return CallAgainAndAgain(
        {.channels = ConnectedChannels(address, system_.signer().File("pki"), in_flight),
         .method = "/keyward.v1.Exchange/Exchange",
         .request = request.SerializeAsString(),
         .in_flight = in_flight,
         .duration = duration,
         .server = server});
  }

  e2e::ExchangeSystem system_;
  std::unique_ptr<testing::Daemon> empty_;
  std::string empty_address_;
};

bool PrintManyEntries() {
  const ManyEntriesFigures many = KeepManyEntries();
  printf(
      "%zu entries in use: %.0f bytes each (%.0f by the process's size), of which %.0f are "
      "names, token, URLs and scopes\n",
      many.entries, many.allocated_bytes, many.resident_bytes, many.text_bytes);
  printf(
      "%.0f hours of them: %.0f logins an hour, %.2f x one for each lifetime; %.2f x their "
      "share in the busiest minute; %.0f calls had to wait\n",
      many.hours, many.logins_per_hour, many.logins_per_hour / many.ideal_per_hour,
      many.most_per_minute * 60 / many.logins_per_hour, many.misses);
  return many.misses == 0;
}

bool PrintColdEntry(Bench& bench) {
  const ColdEntry cold = bench.CallColdEntry();
  printf("%.0f callers of one that is not there yet: %d signed, %d logged in, %.0f failed%s\n",
         cold.calls.calls, cold.signatures, cold.logins, cold.calls.failures,
         cold.is_right() ? "" : "  WRONG");
  return cold.is_right();
}

void PrintRow(const std::string& name, const Rounds& rounds, const Rounds& empty) {
  PrintFigures(name, rounds);
  const Member rate = &Figures::per_second;
  const Spread spread = SpreadOfRatios(rounds, empty, rate);
  printf("  %5.2f x empty (%.2f to %.2f)", MedianRatio(rounds, empty, rate), spread.low,
         spread.high);
  EndRow(rounds);
}

void PrintRates(Bench& bench, const Turns& turns) {
  std::map<int, Rounds> exchange;
  std::map<int, Rounds> empty;
  bench.Empty(8, turns.duration());  // not counted, both: warms the caches
  bench.Exchange(8, turns.duration());
  for (int round = 0; round < turns.rounds; ++round) {
    for (const int in_flight : kInFlight) {
      // Not always in the same order, for a machine that gets slower and slower.
      const bool is_empty_first = round % 2 == 0;
      if (is_empty_first) empty[in_flight].push_back(bench.Empty(in_flight, turns.duration()));
      exchange[in_flight].push_back(bench.Exchange(in_flight, turns.duration()));
      if (!is_empty_first) empty[in_flight].push_back(bench.Empty(in_flight, turns.duration()));
    }
  }
  printf(
      "from the cache, %d rounds of %s; medians; CPU of the serving process per call; rates "
      "against the empty call's\n",
      turns.rounds, absl::FormatDuration(turns.duration()).c_str());
  for (const int in_flight : kInFlight) {
    PrintFigures(absl::StrCat("empty, ", in_flight, " in flight"), empty[in_flight]);
    EndRow(empty[in_flight]);
    PrintRow(absl::StrCat("Exchange, ", in_flight, " in flight"), exchange[in_flight],
             empty[in_flight]);
  }
}

int Main(const Turns& turns) {
  // As in the daemons: what the callers do is cheap, or it would hide what is measured.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // What is known is shown at once, also where it goes to a file.
  setvbuf(stdout, nullptr, _IOLBF, 0);
  bool is_right = PrintManyEntries();
  Bench bench;
  is_right = PrintColdEntry(bench) && is_right;
  PrintRates(bench, turns);
  return is_right ? 0 : 1;
}

}  // namespace
}  // namespace keyward::bench

int main(int argc, char** argv) {
  return keyward::bench::Main(keyward::bench::ParseTurns(argc, argv, {.rounds = 15, .seconds = 1}));
}
