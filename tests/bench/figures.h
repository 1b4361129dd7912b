// What one measurement gives.
#ifndef KEYWARD_TESTS_BENCH_FIGURES_H_
#define KEYWARD_TESTS_BENCH_FIGURES_H_

namespace keyward::bench {

struct Figures {
  double calls = 0;
  double failures = 0;
  double per_second = 0;
  // Of the process that serves.
  double cpu_microseconds_per_call = 0;
  double p50_milliseconds = 0;
  double p99_milliseconds = 0;
};

}  // namespace keyward::bench

#endif  // KEYWARD_TESTS_BENCH_FIGURES_H_
