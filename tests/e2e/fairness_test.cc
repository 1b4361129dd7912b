// One caller who sends all it can beside one with a single call at a time.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "keyward/v1/signer.grpc.pb.h"
#include "tests/e2e/raw_calls.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

// Keeps `in_flight` calls of Sign under way as the backend, each answered one followed by the
// next at once, until it ends.
class NoisyCaller {
 public:
  NoisyCaller(const testing::SignerProcess& signer, int in_flight)
      : stub_(v1::Signer::NewStub(
            Connect(signer, signer.File("pki/backend.pem"), signer.File("pki/backend.key")))) {
    request_.set_connection("acme");
    request_.set_claims_json(GoodClaims());
    for (int i = 0; i < in_flight; ++i) calls_.push_back(std::make_unique<Call>());
    under_way_ = in_flight;
    for (const auto& call : calls_) Begin(*call);
  }

  ~NoisyCaller() {
    stopping_ = true;
    MutexLock lock(&mutex_,
                   [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return under_way_ == 0; });
  }

  int signed_calls() const { return signed_; }
  int refused_calls() const { return refused_; }

 private:
  struct Call {
    std::unique_ptr<grpc::ClientContext> context;
    v1::SignResponse response;
  };

  void Begin(Call& call) {
    call.context = std::make_unique<grpc::ClientContext>();
    stub_->async()->Sign(call.context.get(), &request_, &call.response,
                         [this, &call](const grpc::Status& status) { End(call, status); });
  }

  void End(Call& call, const grpc::Status& status) {
    ++(status.ok() ? signed_ : refused_);
    if (!stopping_) return Begin(call);
    MutexLock lock(&mutex_);
    --under_way_;
  }

  const std::unique_ptr<v1::Signer::Stub> stub_;
  v1::SignRequest request_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> signed_ = 0;
  std::atomic<int> refused_ = 0;
  mutable Mutex mutex_;
  int under_way_ ABSL_GUARDED_BY(mutex_) = 0;
};

class FairnessTest : public SignerTest {
 protected:
  static constexpr int kInFlight = 500;
  static constexpr int kQuietCalls = 20;
  // Of the noisy one's, for each of the quiet one's. Taking turns it is a handful: those that
  // are signed while the quiet one's call is on its way to the queue, which is read every
  // 5 ms. First come first served it would be nearly all that are in flight.
  static constexpr int kMost = 100;

  void StartWithQueueOf(int length) {
    signer_.Write("signer.yaml",
                  absl::StrCat(testing::Replaced(signer_.DefaultConfig(),
                                                 "registry:", "  sessions: 2\nregistry:"),
                               "limits:\n  queue: ", length, "\n"));
    Start();
    CreateConnection();
  }

  // How many calls of the noisy one were signed while so many of the quiet one's were. None
  // of the quiet one's fails.
  static int SignedMeanwhile(const NoisyCaller& noisy, client::SignerClient& quiet) {
    const int before = noisy.signed_calls();
    for (int i = 0; i < kQuietCalls; ++i) {
      const auto assertion = quiet.Sign("acme", GoodClaims());
      EXPECT_EQ(CodeAndReason(assertion.status()), "OK") << i;
    }
    return noisy.signed_calls() - before;
  }
};

TEST_F(FairnessTest, ACallerWithOneCallIsNotBehindAnothersFiveHundred) {
  StartWithQueueOf(1024);
  const auto quiet = Client();
  ASSERT_EQ(CodeAndReason(quiet->GetConnection("acme").status()), "OK");
  const NoisyCaller noisy(signer_, kInFlight);
  ASSERT_TRUE(Eventually([&] { return noisy.signed_calls() > kInFlight; }));
  EXPECT_LT(SignedMeanwhile(noisy, *quiet), kQuietCalls * kMost);
  EXPECT_EQ(noisy.refused_calls(), 0);
}

TEST_F(FairnessTest, NorLockedOutOfAQueueThatTheOtherFills) {
  StartWithQueueOf(100);
  const auto quiet = Client();
  ASSERT_EQ(CodeAndReason(quiet->GetConnection("acme").status()), "OK");
  const NoisyCaller noisy(signer_, kInFlight);
  ASSERT_TRUE(Eventually([&] { return noisy.refused_calls() > kInFlight; }));
  EXPECT_LT(SignedMeanwhile(noisy, *quiet), kQuietCalls * kMost);
}

}  // namespace
}  // namespace keyward::e2e
