#include "common/server/health_service.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/time/clock.h"
#include "common/error.h"

namespace keyward::server {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr int kMaxWatchers = 64;

// Ten times as long as readiness is asked for.
constexpr absl::Duration kFreshness = absl::Seconds(10);

// How soon the end of a caller that watches is noticed.
constexpr absl::Duration kCancellationInterval = absl::Seconds(1);

}  // namespace

HealthService::HealthService(std::set<std::string> services) : services_(std::move(services)) {}

void HealthService::SetReady(const absl::Status& ready) {
  MutexLock lock(&mutex_);
  serving_until_ = ready.ok() ? absl::Now() + kFreshness : absl::InfinitePast();
  // Of what is OK now, it says later that nothing was heard of it since.
  reason_ = ready.ok() ? "CHECK_OVERDUE" : ReasonOf(ready).value_or("NOT_READY");
}

void HealthService::Drain() {
  MutexLock lock(&mutex_);
  draining_ = true;
}

Health HealthService::health() const {
  MutexLock lock(&mutex_);
  if (draining_) return {.state = Health::State::kDraining};
  if (Now("") == HealthCheckResponse::SERVING) return {.state = Health::State::kServing};
  return {.state = Health::State::kNotServing, .reason = reason_};
}

HealthService::Status HealthService::Now(const std::string& service) const {
  if (!service.empty() && !services_.contains(service)) {
    return HealthCheckResponse::SERVICE_UNKNOWN;
  }
  return absl::Now() < serving_until_ && !draining_ ? HealthCheckResponse::SERVING
                                                    : HealthCheckResponse::NOT_SERVING;
}

grpc::Status HealthService::Check(grpc::ServerContext* /*context*/,
                                  const HealthCheckRequest* request,
                                  HealthCheckResponse* response) {
  MutexLock lock(&mutex_);
  const Status now = Now(request->service());
  if (now == HealthCheckResponse::SERVICE_UNKNOWN) {
    return {grpc::StatusCode::NOT_FOUND, "this server has no such service"};
  }
  response->set_status(now);
  return grpc::Status::OK;
}

grpc::Status HealthService::Watch(grpc::ServerContext* context, const HealthCheckRequest* request,
                                  grpc::ServerWriter<HealthCheckResponse>* writer) {
  {
    MutexLock lock(&mutex_);
    if (watchers_ >= kMaxWatchers) {
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls watch already; use Check"};
    }
    ++watchers_;
  }
  absl::Cleanup leave = [this] {
    MutexLock lock(&mutex_);
    --watchers_;
  };
  Status told = HealthCheckResponse::UNKNOWN;
  const auto news = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return draining_ || Now(request->service()) != told;
  };
  while (!context->IsCancelled()) {
    bool draining = false;
    HealthCheckResponse response;
    {
      MutexLock lock(&mutex_);
      if (!mutex_.AwaitWithTimeout(news, kCancellationInterval)) continue;
      draining = draining_;
      told = Now(request->service());
    }
    response.set_status(told);
    if (!writer->Write(response) || draining) break;
  }
  return grpc::Status::OK;
}

}  // namespace keyward::server
