// Measurements that are made in turns: what they say together.
#ifndef KEYWARD_TESTS_BENCH_ROUNDS_H_
#define KEYWARD_TESTS_BENCH_ROUNDS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/bench/figures.h"

namespace keyward::bench {

// One thing, measured once in each round.
using Rounds = std::vector<Figures>;
// One of the figures.
using Member = double Figures::*;

double MedianOf(const Rounds& rounds, Member member);

// The median of rounds[i] / yardstick[i]: round by round, so that a machine that slows
// down slows both sides. They have equally many rounds, one at least.
double MedianRatio(const Rounds& rounds, const Rounds& yardstick, Member member);

// Between which ratios the middle half of the rounds lies: how far to trust the median.
struct Spread {
  double low = 0;
  double high = 0;
};
Spread SpreadOfRatios(const Rounds& rounds, const Rounds& yardstick, Member member);

// "NAME  RATE  CPU  p50  p99", without the end of the line.
void PrintFigures(const std::string& name, const Rounds& rounds);

// " 3 FAILED" where calls failed, and the end of the line.
void EndRow(const Rounds& rounds);

struct Turns {
  int rounds = 1;
  // Of each measurement.
  int seconds = 1;

  absl::Duration duration() const { return absl::Seconds(seconds); }
};

// From "[ROUNDS [SECONDS]]"; what is not there is as in `turns`. Ends the process where
// they are anything else.
Turns ParseTurns(int argc, char** argv, Turns turns);

}  // namespace keyward::bench

#endif  // KEYWARD_TESTS_BENCH_ROUNDS_H_
