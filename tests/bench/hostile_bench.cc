// What a hostile client with a valid certificate costs other callers: the latency of a
// modest caller of Signer.Sign while it attacks against the same without, in turns in one
// run, for each attack.
//
//   hostile_bench [ROUNDS [SECONDS]]
//
// How the attacker is kept from using the CPU that the signer and the good caller need is
// in attacker.h. Only a machine with nothing else to do gives a p99 that means anything:
// other work costs the busier side more, which is the one under attack, and turns do not
// even that out.
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/bench/attacker.h"
#include "tests/bench/channels.h"
#include "tests/bench/good_call.h"
#include "tests/bench/load.h"
#include "tests/bench/or_die.h"
#include "tests/bench/rounds.h"
#include "tests/testing/signer_process.h"

namespace keyward::bench {
namespace {

constexpr int kGoodInFlight = 2;

constexpr Attack kAttacks[] = {
    {.title = "malformed calls", .kind = "malformed", .client = "backend"},
    {.title = "metadata bombs", .kind = "metadata", .client = "backend"},
    {.title = "slow and silent", .kind = "connections", .client = "backend"},
    {.title = "valid calls", .kind = "valid", .client = "backend"},
    // Whom the policy below gives a quota.
    {.title = "valid calls, quota", .kind = "valid", .client = "exchange"},
};

constexpr char kPolicyEnd[] = R"(  - name: exchanges
    identities: ["spiffe://keyward.example/exchange"]
    connections: ["acme"]
    operations: [sign]
quotas:
  - name: exchanges
    identities: ["spiffe://keyward.example/exchange"]
    per_second: 50
    burst: 50
)";

class Bench {
 public:
  Bench() {
    signer_.Write("policy.yaml", absl::StrCat(testing::kDefaultPolicy, kPolicyEnd));
    if (!signer_.Start()) Die(signer_.daemon().Output());
    CreateGoodConnection(signer_);
    channels_ = ConnectedChannels(signer_.address(), pki(), kGoodInFlight, "operator");
  }

  Figures GoodCaller(absl::Duration duration) {
    return CallAgainAndAgain({.channels = channels_,
                              .method = kSignMethod,
                              .request = GoodRequest(),
                              .in_flight = kGoodInFlight,
                              .duration = duration,
                              .server = signer_.daemon().pid()});
  }

  Attacker Begin(const Attack& attack) const { return {attack, signer_.address(), pki()}; }

 private:
  std::string pki() const { return signer_.File("pki"); }

  testing::SignerProcess signer_;
  Channels channels_;
};

// One attack, and the same time without.
struct Row {
  Rounds quiet;
  Rounds attacked;
  std::vector<AttackFigures> attacks;
};

void Measure(Bench& bench, const Attack& attack, absl::Duration duration, Row& row) {
  row.quiet.push_back(bench.GoodCaller(duration));
  Attacker attacker = bench.Begin(attack);
  row.attacked.push_back(bench.GoodCaller(duration));
  row.attacks.push_back(attacker.Stop());
}

double Mean(const std::vector<AttackFigures>& attacks, double AttackFigures::*member) {
  double sum = 0;
  for (const AttackFigures& figures : attacks) sum += figures.*member;
  return sum / static_cast<double>(attacks.size());
}

void Print(const Attack& attack, const Row& row) {
  const Member p50 = &Figures::p50_milliseconds;
  const Member p99 = &Figures::p99_milliseconds;
  printf("%-20s p50 %5.2f x (%6.2f ms, without %6.2f)  p99 %5.2f x (%6.2f ms, without %6.2f)",
         attack.title, MedianRatio(row.attacked, row.quiet, p50), MedianOf(row.attacked, p50),
         MedianOf(row.quiet, p50), MedianRatio(row.attacked, row.quiet, p99),
         MedianOf(row.attacked, p99), MedianOf(row.quiet, p99));
  printf("  attacker %7.0f /s, signed %5.0f /s", Mean(row.attacks, &AttackFigures::per_second),
         Mean(row.attacks, &AttackFigures::signatures_per_second));
  EndRow(row.attacked);
}

void Main(const Turns& turns) {
  Bench bench;
  std::vector<Row> rows(std::size(kAttacks));
  // Not counted: warms the caches.
  bench.GoodCaller(turns.duration());
  for (int round = 0; round < turns.rounds; ++round) {
    for (size_t i = 0; i < rows.size(); ++i) Measure(bench, kAttacks[i], turns.duration(), rows[i]);
  }
  printf("A caller with %d calls in flight; %d rounds of %s; medians\n", kGoodInFlight,
         turns.rounds, absl::FormatDuration(turns.duration()).c_str());
  for (size_t i = 0; i < rows.size(); ++i) Print(kAttacks[i], rows[i]);
}

}  // namespace
}  // namespace keyward::bench

int main(int argc, char** argv) {
  if (const int result = keyward::bench::RunAsAttacker(argc, argv); result >= 0) return result;
  keyward::bench::Main(keyward::bench::ParseTurns(argc, argv, {.rounds = 7, .seconds = 3}));
  return 0;
}
