// CPU time of processes and threads.
#ifndef KEYWARD_TESTS_BENCH_CPU_TIME_H_
#define KEYWARD_TESTS_BENCH_CPU_TIME_H_

#include <sys/types.h>

#include "absl/time/time.h"

namespace keyward::bench {

// User and system time that process `pid` has used in all its threads, as the
// kernel accounts it for getrusage(2). In steps of 10 ms.
absl::Duration ProcessCpuTime(pid_t pid);

// User and system time of the calling thread.
absl::Duration ThreadCpuTime();

}  // namespace keyward::bench

#endif  // KEYWARD_TESTS_BENCH_CPU_TIME_H_
