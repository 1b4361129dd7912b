// Many clients that sign at once.
#ifndef KEYWARD_TESTS_E2E_LOAD_H_
#define KEYWARD_TESTS_E2E_LOAD_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "client/signer_client.h"
#include "common/mutex.h"

namespace keyward::e2e {

// Signs for "acme" without a pause, each time with other claims. A thread ends at
// its first error.
class Load {
 public:
  // One thread for each of `clients`. `name` tells the claims of one load from
  // another's.
  Load(std::vector<std::unique_ptr<client::SignerClient>> clients, const std::string& name);
  ~Load();

  // How many assertions have been received so far.
  int count() const { return count_; }

  // Lets every thread finish the call that it is in, and waits for them.
  void Stop();

  // After Stop(): the SHA-256 of the claims of every assertion received, and how
  // often each error (CodeAndReason()) ended a thread.
  std::vector<std::string> claims_sha256() const;
  std::map<std::string, int> errors() const;

 private:
  void Run(client::SignerClient& client, const std::string& name);

  std::vector<std::unique_ptr<client::SignerClient>> clients_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> count_ = 0;
  mutable Mutex mutex_;
  std::vector<std::string> claims_sha256_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> errors_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace keyward::e2e

#endif  // KEYWARD_TESTS_E2E_LOAD_H_
