// A SignerClient that follows its renewed certificate files.
#ifndef KEYWARD_CLIENT_RELOADING_SIGNER_CLIENT_H_
#define KEYWARD_CLIENT_RELOADING_SIGNER_CLIENT_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/signer_client.h"
#include "common/mutex.h"

namespace keyward::client {

// For processes that live longer than their certificates. Thread-safe.
class ReloadingSignerClient {
 public:
  // Errors as of SignerClient::New().
  static absl::StatusOr<std::unique_ptr<ReloadingSignerClient>> New(
      const SignerClientOptions& options);
  ~ReloadingSignerClient();
  ReloadingSignerClient(const ReloadingSignerClient&) = delete;
  ReloadingSignerClient& operator=(const ReloadingSignerClient&) = delete;

  // The client of the newest good files. Never null. Take it for each call: one that is
  // held goes on working with the files of its time.
  std::shared_ptr<SignerClient> Get() const;

  // The last moment at which its certificate is valid.
  absl::Time not_after() const;

  // Reads the CA, certificate and key files, and makes a new client where one of them
  // has changed. To be called every second or so, by one thread. True where there is a
  // new client; false where nothing has changed. An error, as of SignerClient::New(),
  // says why the changed files cannot be used: once for each set of them, and the client
  // before stays.
  absl::StatusOr<bool> Poll();

 private:
  explicit ReloadingSignerClient(SignerClientOptions options);

  const SignerClientOptions options_;
  mutable Mutex mutex_;
  std::shared_ptr<SignerClient> client_ ABSL_GUARDED_BY(mutex_);
  absl::Time not_after_ ABSL_GUARDED_BY(mutex_);
  // What the files held when they were last tried.
  std::string seen_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_RELOADING_SIGNER_CLIENT_H_
