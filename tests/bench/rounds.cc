#include "tests/bench/rounds.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"

namespace keyward::bench {
namespace {

// What `fraction` of `values` is below.
double Quantile(std::vector<double> values, double fraction) {
  std::sort(values.begin(), values.end());
  const auto at = static_cast<size_t>(fraction * static_cast<double>(values.size()));
  return values[std::min(at, values.size() - 1)];
}

double Median(std::vector<double> values) { return Quantile(std::move(values), 0.5); }

std::vector<double> Ratios(const Rounds& rounds, const Rounds& yardstick, Member member) {
  std::vector<double> ratios;
  ratios.reserve(rounds.size());
  for (size_t i = 0; i < rounds.size(); ++i) {
    ratios.push_back(rounds[i].*member / yardstick[i].*member);
  }
  return ratios;
}

}  // namespace

double MedianOf(const Rounds& rounds, Member member) {
  std::vector<double> values;
  values.reserve(rounds.size());
  for (const Figures& figures : rounds) values.push_back(figures.*member);
  return Median(std::move(values));
}

double MedianRatio(const Rounds& rounds, const Rounds& yardstick, Member member) {
  return Median(Ratios(rounds, yardstick, member));
}

Spread SpreadOfRatios(const Rounds& rounds, const Rounds& yardstick, Member member) {
  const std::vector<double> ratios = Ratios(rounds, yardstick, member);
  return {.low = Quantile(ratios, 0.25), .high = Quantile(ratios, 0.75)};
}

void PrintFigures(const std::string& name, const Rounds& rounds) {
  printf(
      "%-24s %9.0f /s %8.0f us  p50 %7.2f ms  p99 %7.2f ms", name.c_str(),
      MedianOf(rounds, &Figures::per_second), MedianOf(rounds, &Figures::cpu_microseconds_per_call),
      MedianOf(rounds, &Figures::p50_milliseconds), MedianOf(rounds, &Figures::p99_milliseconds));
}

void EndRow(const Rounds& rounds) {
  double failures = 0;
  for (const Figures& figures : rounds) failures += figures.failures;
  printf(failures > 0 ? "  %.0f FAILED\n" : "\n", failures);
}

Turns ParseTurns(int argc, char** argv, Turns turns) {
  const bool understood = argc <= 3 && (argc <= 1 || absl::SimpleAtoi(argv[1], &turns.rounds)) &&
                          (argc <= 2 || absl::SimpleAtoi(argv[2], &turns.seconds));
  if (!understood || turns.rounds < 1 || turns.seconds < 1) {
    fprintf(stderr, "usage: %s [ROUNDS [SECONDS]]\n", argv[0]);
    exit(2);
  }
  return turns;
}

}  // namespace keyward::bench
