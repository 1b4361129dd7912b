// For a benchmark, which has nothing to fall back on.
#ifndef KEYWARD_TESTS_BENCH_OR_DIE_H_
#define KEYWARD_TESTS_BENCH_OR_DIE_H_

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace keyward::bench {

[[noreturn]] inline void Die(const std::string& why) {
  fprintf(stderr, "%s\n", why.c_str());
  exit(1);
}

template <typename T>
T OrDie(absl::StatusOr<T> result) {
  if (!result.ok()) Die(result.status().ToString());
  return *std::move(result);
}

}  // namespace keyward::bench

#endif  // KEYWARD_TESTS_BENCH_OR_DIE_H_
