// What a signature costs: the server's CPU for Signer.Sign over mutual TLS, with
// policy, verification and the durable audit record, against raw C_SignInit and
// C_Sign on the same token, and against the same service without identity, policy,
// claims, verification and audit (null_signing_server), in turns in one run.
//
//   signing_bench [ROUNDS [SECONDS]]
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "keystore/pkcs11/key_generator.h"
#include "tests/bench/channels.h"
#include "tests/bench/good_call.h"
#include "tests/bench/load.h"
#include "tests/bench/or_die.h"
#include "tests/bench/raw_signing.h"
#include "tests/bench/rounds.h"
#include "tests/testing/signer_process.h"

namespace keyward::bench {
namespace {

constexpr int kInFlight[] = {1, 8, 32, 64};
// Where the share of checks and records is measured.
constexpr int kManyInFlight = 64;

class Bench {
 public:
  Bench() {
    if (!signer_.Start()) Die(signer_.daemon().Output());
    CreateGoodConnection(signer_);

    pool_ = OrDie(pkcs11::SessionPool::New(
        OrDie(pkcs11::Token::New({.module_path = testing::kSoftHsmModule,
                                  .uri = OrDie(pkcs11::TokenUri::Parse(
                                      absl::StrCat("pkcs11:token=", testing::kSignerToken))),
                                  .read_pin = []() -> absl::StatusOr<Secret> {
                                    return Secret(std::string(testing::kUserPin));
                                  },
                                  .pin_source = "the bench"})),
        {.size = 2}));
    key_id_ = OrDie(pkcs11::NewKeyId());
    null_ = testing::Daemon::Start(
        {testing::Binary("null_signing_server"), "--config", signer_.File("signer.yaml")});
    constexpr char kServing[] = "serving on ";
    if (!null_->WaitForOutput(kServing)) Die(null_->Output());
    const std::string output = null_->Output();
    const size_t at = output.find(kServing) + sizeof(kServing) - 1;
    null_address_ = output.substr(at, output.find('\n', at) - at);
    auto lease = OrDie(pool_->TakeForAdministration(absl::InfiniteFuture()));
    const auto pair = OrDie(pkcs11::GenerateRsaKeyPair(lease.session(), "raw", key_id_, 2048));
    pool_->AddKey(lease, key_id_, pair);
  }

  Figures Raw(int threads, absl::Duration duration) {
    return SignRaw(*pool_, key_id_, threads, duration);
  }

  // Of the real signer, or of the one that checks and records nothing.
  Figures Sign(int in_flight, absl::Duration duration) {
    return Call(signer_.address(), signer_.daemon().pid(), in_flight, duration);
  }
  Figures SignUnchecked(int in_flight, absl::Duration duration) {
    return Call(null_address_, null_->pid(), in_flight, duration);
  }

 private:
  Figures Call(const std::string& address, pid_t server, int in_flight, absl::Duration duration) {
    return CallAgainAndAgain(
        {.channels = ConnectedChannels(address, signer_.File("pki"), in_flight),
         .method = kSignMethod,
         .request = GoodRequest(),
         .in_flight = in_flight,
         .duration = duration,
         .server = server});
  }

  testing::SignerProcess signer_;
  std::unique_ptr<testing::Daemon> null_;
  std::string null_address_;
  std::unique_ptr<pkcs11::SessionPool> pool_;
  std::string key_id_;
};

void PrintRow(const std::string& name, const Rounds& rounds, const Rounds& one, const Rounds& two) {
  const Member cpu = &Figures::cpu_microseconds_per_call;
  PrintFigures(name, rounds);
  printf("  %5.2f x raw(1)  %5.2f x raw(2)", MedianRatio(rounds, one, cpu),
         MedianRatio(rounds, two, cpu));
  EndRow(rounds);
}

void PrintChecksAndRecords(const Rounds& sign, const Rounds& unchecked) {
  const Member cpu = &Figures::cpu_microseconds_per_call;
  const Spread spread = SpreadOfRatios(sign, unchecked, cpu);
  PrintFigures(absl::StrCat("unchecked, ", kManyInFlight, " in flight"), unchecked);
  EndRow(unchecked);
  printf(
      "identity, policy, claims, verification and durable audit, %d in flight: %.2f x the CPU"
      " without (middle half of the rounds %.2f to %.2f); p99 is %.1f x p50\n",
      kManyInFlight, MedianRatio(sign, unchecked, cpu), spread.low, spread.high,
      MedianOf(sign, &Figures::p99_milliseconds) / MedianOf(sign, &Figures::p50_milliseconds));
}

void Main(const Turns& turns) {
  Bench bench;
  Rounds one;
  Rounds two;
  std::map<int, Rounds> sign;
  Rounds unchecked;
  // Not counted: warms the caches.
  bench.Sign(8, turns.duration());
  bench.SignUnchecked(8, turns.duration());
  for (int round = 0; round < turns.rounds; ++round) {
    one.push_back(bench.Raw(1, turns.duration()));
    for (const int in_flight : kInFlight) {
      sign[in_flight].push_back(bench.Sign(in_flight, turns.duration()));
    }
    unchecked.push_back(bench.SignUnchecked(kManyInFlight, turns.duration()));
    two.push_back(bench.Raw(2, turns.duration()));
  }
  printf("RSA-2048, %d rounds of %s; medians; CPU of the signing process per signature\n",
         turns.rounds, absl::FormatDuration(turns.duration()).c_str());
  PrintRow("raw C_Sign, 1 thread", one, one, two);
  PrintRow("raw C_Sign, 2 threads", two, one, two);
  for (const auto& [in_flight, figures] : sign) {
    PrintRow(absl::StrCat("Sign, ", in_flight, " in flight"), figures, one, two);
  }
  PrintChecksAndRecords(sign[kManyInFlight], unchecked);
}

}  // namespace
}  // namespace keyward::bench

int main(int argc, char** argv) {
  keyward::bench::Main(keyward::bench::ParseTurns(argc, argv, {.rounds = 5, .seconds = 3}));
  return 0;
}
