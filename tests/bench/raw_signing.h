// The yardstick: C_SignInit and C_Sign with nothing around them.
#ifndef KEYWARD_TESTS_BENCH_RAW_SIGNING_H_
#define KEYWARD_TESTS_BENCH_RAW_SIGNING_H_

#include <string>

#include "absl/time/time.h"
#include "keystore/pkcs11/session_pool.h"
#include "tests/bench/figures.h"

namespace keyward::bench {

// Signs with the key `key_id` in `threads` threads for `duration`.
Figures SignRaw(pkcs11::SessionPool& pool, const std::string& key_id, int threads,
                absl::Duration duration);

}  // namespace keyward::bench

#endif  // KEYWARD_TESTS_BENCH_RAW_SIGNING_H_
