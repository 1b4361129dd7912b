#include "client/reloading_signer_client.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/openssl.h"
#include "common/pem.h"
#include "common/secret.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// As ReadFile() takes at most: a CA file may be long.
constexpr size_t kMaxFileBytes = 1 << 20;

// Changes with every change of the file, whatever its times say; holds nothing of it.
std::string Digest(const std::string& path) {
  const absl::StatusOr<Secret> contents = ReadSecretFile(path, kMaxFileBytes);
  if (!contents.ok()) return contents.status().ToString();
  return HexSha256(contents->Expose());
}

std::string Digests(const SignerClientOptions& options) {
  return absl::StrCat(Digest(options.ca_file), " ", Digest(options.certificate_file), " ",
                      Digest(options.private_key_file));
}

// Of the leaf in a file that SignerClient::New() has just checked.
absl::StatusOr<absl::Time> CertificateEnd(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string pem, ReadFile(path));
  ASSIGN_OR_RETURN(const std::vector<X509Ptr> chain, ParsePemCertificates(pem));
  return ToTime(X509_get0_notAfter(chain.front().get()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReloadingSignerClient>> ReloadingSignerClient::New(
    const SignerClientOptions& options) {
  std::unique_ptr<ReloadingSignerClient> reloading(new ReloadingSignerClient(options));
  RETURN_IF_ERROR(reloading->Poll().status());
  return reloading;
}

ReloadingSignerClient::ReloadingSignerClient(SignerClientOptions options)
    : options_(std::move(options)) {}

ReloadingSignerClient::~ReloadingSignerClient() = default;

std::shared_ptr<SignerClient> ReloadingSignerClient::Get() const {
  const MutexLock lock(&mutex_);
  return client_;
}

absl::Time ReloadingSignerClient::not_after() const {
  const MutexLock lock(&mutex_);
  return not_after_;
}

absl::StatusOr<bool> ReloadingSignerClient::Poll() {
  // Before the client reads the files itself: what changes in between is seen next time.
  std::string digests = Digests(options_);
  {
    const MutexLock lock(&mutex_);
    if (digests == seen_) return false;
    seen_ = std::move(digests);
  }
  ASSIGN_OR_RETURN(std::shared_ptr<SignerClient> renewed, SignerClient::New(options_));
  ASSIGN_OR_RETURN(const absl::Time not_after, CertificateEnd(options_.certificate_file));
  {
    // The client before is closed outside of the lock, if it is the last reference.
    const MutexLock lock(&mutex_);
    client_.swap(renewed);
    not_after_ = not_after;
  }
  return true;
}

}  // namespace keyward::client
