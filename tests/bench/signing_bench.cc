// What a signature costs: the server's CPU for Signer.Sign over mutual TLS, with
// policy, verification and the durable audit record, against raw C_SignInit and
// C_Sign on the same token, in turns in one run.
//
//   signing_bench [ROUNDS [SECONDS]]
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "keystore/pkcs11/key_generator.h"
#include "keyward/v1/signer.pb.h"
#include "tests/bench/load.h"
#include "tests/bench/raw_signing.h"
#include "tests/testing/signer_process.h"

namespace keyward::bench {
namespace {

constexpr int kInFlight[] = {1, 8, 32, 64};
constexpr int kMaxChannels = 4;

template <typename T>
T OrDie(absl::StatusOr<T> result) {
  if (!result.ok()) {
    fprintf(stderr, "%s\n", result.status().ToString().c_str());
    exit(1);
  }
  return *std::move(result);
}

class Bench {
 public:
  Bench() {
    if (!signer_.Start()) Die(signer_.daemon().Output());
    const testing::Finished created =
        signer_.Keyward({"connection", "create", "acme", "--consumer-key", "3MVG9bench",
                         "--subject", "bench@example.com"});
    if (created.exit_code != 0) Die(created.err);
    request_.set_connection("acme");

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
    auto lease = OrDie(pool_->TakeForAdministration(absl::InfiniteFuture()));
    const auto pair = OrDie(pkcs11::GenerateRsaKeyPair(lease.session(), "raw", key_id_, 2048));
    pool_->AddKey(lease, key_id_, pair);
  }

  Figures Raw(int threads, absl::Duration duration) {
    return SignRaw(*pool_, key_id_, threads, duration);
  }

  Figures Sign(int in_flight, absl::Duration duration) {
    request_.set_claims_json(absl::StrCat(
        R"({"iss":"3MVG9bench","sub":"bench@example.com","aud":"https://login.salesforce.com",)",
        R"("exp":)", absl::ToUnixSeconds(absl::Now() + absl::Seconds(290)), "}"));
    LoadOptions options{.channels = Channels(std::min(in_flight, kMaxChannels)),
                        .method = "/keyward.v1.Signer/Sign",
                        .request = request_.SerializeAsString(),
                        .in_flight = in_flight,
                        .duration = duration,
                        .server = signer_.daemon().pid()};
    return CallAgainAndAgain(options);
  }

 private:
  [[noreturn]] static void Die(const std::string& why) {
    fprintf(stderr, "%s\n", why.c_str());
    exit(1);
  }

  // Connected before anything is measured.
  std::vector<std::shared_ptr<grpc::Channel>> Channels(int count) {
    const auto read = [this](const char* name) { return OrDie(ReadFile(signer_.File(name))); };
    const auto credentials = grpc::SslCredentials(
        {read("pki/ca.pem"), read("pki/backend.key"), read("pki/backend.pem")});
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    for (int i = 0; i < count; ++i) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      channels.push_back(grpc::CreateCustomChannel(signer_.address(), credentials, arguments));
      const auto deadline = absl::ToChronoTime(absl::Now() + absl::Seconds(10));
      if (!channels.back()->WaitForConnected(deadline)) Die("the signer is not reached");
    }
    return channels;
  }

  testing::SignerProcess signer_;
  v1::SignRequest request_;
  std::unique_ptr<pkcs11::SessionPool> pool_;
  std::string key_id_;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double MedianOf(const std::vector<Figures>& rounds, double Figures::*member) {
  std::vector<double> values;
  values.reserve(rounds.size());
  for (const Figures& figures : rounds) values.push_back(figures.*member);
  return Median(std::move(values));
}

// Round by round, so that a machine that slows down slows both sides.
double MedianRatio(const std::vector<Figures>& rounds, const std::vector<Figures>& yardstick) {
  std::vector<double> ratios;
  for (size_t i = 0; i < rounds.size(); ++i) {
    ratios.push_back(rounds[i].cpu_microseconds_per_call / yardstick[i].cpu_microseconds_per_call);
  }
  return Median(std::move(ratios));
}

void PrintRow(const std::string& name, const std::vector<Figures>& rounds,
              const std::vector<Figures>& one, const std::vector<Figures>& two) {
  printf("%-24s %9.0f /s %8.0f us  p50 %7.2f ms  p99 %7.2f ms  %5.2f x raw(1)  %5.2f x raw(2)",
         name.c_str(), MedianOf(rounds, &Figures::per_second),
         MedianOf(rounds, &Figures::cpu_microseconds_per_call),
         MedianOf(rounds, &Figures::p50_milliseconds), MedianOf(rounds, &Figures::p99_milliseconds),
         MedianRatio(rounds, one), MedianRatio(rounds, two));
  double failures = 0;
  for (const Figures& figures : rounds) failures += figures.failures;
  printf(failures > 0 ? "  %.0f FAILED\n" : "\n", failures);
}

int Main(int rounds, absl::Duration duration) {
  Bench bench;
  std::vector<Figures> one;
  std::vector<Figures> two;
  std::map<int, std::vector<Figures>> sign;
  bench.Sign(8, duration);  // not counted: warms the caches
  for (int round = 0; round < rounds; ++round) {
    one.push_back(bench.Raw(1, duration));
    for (const int in_flight : kInFlight) {
      sign[in_flight].push_back(bench.Sign(in_flight, duration));
    }
    two.push_back(bench.Raw(2, duration));
  }
  printf("RSA-2048, %d rounds of %s; medians; CPU of the signing process per signature\n", rounds,
         absl::FormatDuration(duration).c_str());
  PrintRow("raw C_Sign, 1 thread", one, one, two);
  PrintRow("raw C_Sign, 2 threads", two, one, two);
  for (const auto& [in_flight, figures] : sign) {
    PrintRow(absl::StrCat("Sign, ", in_flight, " in flight"), figures, one, two);
  }
  return 0;
}

}  // namespace
}  // namespace keyward::bench

int main(int argc, char** argv) {
  int rounds = 5;
  int seconds = 3;
  const bool understood = (argc <= 1 || absl::SimpleAtoi(argv[1], &rounds)) &&
                          (argc <= 2 || absl::SimpleAtoi(argv[2], &seconds));
  if (!understood || rounds < 1 || seconds < 1) {
    fprintf(stderr, "usage: signing_bench [ROUNDS [SECONDS]]\n");
    return 2;
  }
  return keyward::bench::Main(rounds, absl::Seconds(seconds));
}
