#include "tests/bench/raw_signing.h"

#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "keystore/pkcs11/token_signer.h"
#include "tests/bench/cpu_time.h"

namespace keyward::bench {

Figures SignRaw(pkcs11::SessionPool& pool, const std::string& key_id, int threads,
                absl::Duration duration) {
  std::atomic<int64_t> signatures{0};
  std::atomic<int64_t> cpu_nanoseconds{0};
  const absl::Time start = absl::Now();
  const absl::Time end = start + duration;
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      auto lease = pool.Take(absl::InfiniteFuture());
      const CK_OBJECT_HANDLE key = *lease->FindKey(key_id);
      const pkcs11::Session& session = lease->session();
      std::string input = pkcs11::SigningInput(lease->rs256(), "header.payload");
      CK_MECHANISM mechanism = {pkcs11::MechanismType(lease->rs256()), nullptr, 0};
      CK_BYTE signature[512];
      int64_t count = 0;
      const absl::Duration cpu_before = ThreadCpuTime();
      while (absl::Now() < end) {
        CK_ULONG length = sizeof(signature);
        if (session.functions().C_SignInit(session.handle(), &mechanism, key) != CKR_OK ||
            session.functions().C_Sign(session.handle(),
                                       reinterpret_cast<CK_BYTE_PTR>(input.data()), input.size(),
                                       signature, &length) != CKR_OK) {
          abort();
        }
        ++count;
      }
      cpu_nanoseconds += absl::ToInt64Nanoseconds(ThreadCpuTime() - cpu_before);
      signatures += count;
    });
  }
  for (std::thread& worker : workers) worker.join();
  Figures figures;
  figures.calls = static_cast<double>(signatures);
  figures.per_second = figures.calls / absl::ToDoubleSeconds(absl::Now() - start);
  figures.cpu_microseconds_per_call = static_cast<double>(cpu_nanoseconds) / 1e3 / figures.calls;
  return figures;
}

}  // namespace keyward::bench
