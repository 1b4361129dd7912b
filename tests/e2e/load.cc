#include "tests/e2e/load.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/openssl.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {

Load::Load(std::vector<std::unique_ptr<client::SignerClient>> clients, const std::string& name)
    : clients_(std::move(clients)) {
  for (size_t i = 0; i < clients_.size(); ++i) {
    threads_.emplace_back([this, i, own = absl::StrCat(name, "-", i)] { Run(*clients_[i], own); });
  }
}

Load::~Load() { Stop(); }

void Load::Run(client::SignerClient& client, const std::string& name) {
  for (int i = 0; !stopping_; ++i) {
    const std::string claims = GoodClaims(absl::StrCat(R"(,"jti":")", name, "-", i, R"(")"));
    const absl::StatusOr<client::Assertion> assertion = client.Sign("acme", claims);
    MutexLock lock(&mutex_);
    if (!assertion.ok()) {
      ++errors_[CodeAndReason(assertion.status())];
      return;
    }
    claims_sha256_.push_back(HexSha256(claims));
    ++count_;
  }
}

void Load::Stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

std::vector<std::string> Load::claims_sha256() const {
  MutexLock lock(&mutex_);
  return claims_sha256_;
}

std::map<std::string, int> Load::errors() const {
  MutexLock lock(&mutex_);
  return errors_;
}

}  // namespace keyward::e2e
