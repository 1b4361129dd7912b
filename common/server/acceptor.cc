#include "common/server/acceptor.h"

#include <errno.h>
#include <grpcpp/security/server_credentials.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/status_macros.h"

namespace keyward::server {
namespace {

// Descriptors for the rest of the process: files, the token's module, the registry, connections
// that it makes, and those that are on their way out.
constexpr rlim_t kOtherDescriptors = 256;

// Of one socket in a row, so that the others have their turn.
constexpr int kMaxInARow = 64;

// gRPC closes within a millisecond, unless it has no time.
constexpr absl::Duration kEndsInterval = absl::Milliseconds(1);
constexpr absl::Duration kReliefInterval = absl::Milliseconds(100);
constexpr absl::Duration kTellInterval = absl::Minutes(1);

ConnectionLimits WithinDescriptors(ConnectionLimits limits) {
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_cur == RLIM_INFINITY) {
    return limits;
  }
  const rlim_t others = std::min(kOtherDescriptors, descriptors.rlim_cur / 2);
  const rlim_t most = std::max<rlim_t>(descriptors.rlim_cur - others, 1);
  if (static_cast<rlim_t>(limits.connections) <= most) return limits;
  spdlog::warn(
      "limits.connections: {} connections instead of {}, since the process may have {} file "
      "descriptors: raise its limit (LimitNOFILE of systemd)",
      most, limits.connections, descriptors.rlim_cur);
  limits.connections = static_cast<int>(most);
  return limits;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::New(const std::string& address,
                                                        ConnectionLimits limits) {
  ASSIGN_OR_RETURN(ListeningSockets listening, ListenOn(address));
  auto acceptor =
      std::unique_ptr<Acceptor>(new Acceptor(std::move(listening), WithinDescriptors(limits)));
  if (acceptor->stop_.get() < 0) return absl::ErrnoToStatus(errno, "eventfd");
  return acceptor;
}

Acceptor::Acceptor(ListeningSockets listening, ConnectionLimits limits)
    : port_(listening.port),
      listening_(std::make_unique<ListeningSockets>(std::move(listening))),
      table_(limits),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Acceptor::~Acceptor() { Stop(); }

void Acceptor::AddTo(grpc::ServerBuilder& builder,
                     std::shared_ptr<grpc::ServerCredentials> credentials) {
  grpc_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      std::move(credentials));
}

void Acceptor::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Acceptor::Stop() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(stop_.get(), &one, sizeof(one));
    thread_.join();
  }
  listening_.reset();
}

void Acceptor::Run() {
  std::vector<pollfd> watched = {{.fd = stop_.get(), .events = POLLIN, .revents = 0}};
  for (const UniqueFd& listener : listening_->sockets) {
    watched.push_back({.fd = listener.get(), .events = POLLIN, .revents = 0});
  }
  for (;;) {
    poll(watched.data(), watched.size(), -1);
    if (watched.front().revents != 0) return;
    for (size_t i = 1; i < watched.size(); ++i) {
      if (watched[i].revents != 0) TakeFrom(watched[i].fd);
    }
  }
}

void Acceptor::TakeFrom(int listener) {
  for (int i = 0; i < kMaxInARow; ++i) {
    while (table_.IsWaitingForEnds()) {
      if (WaitForStop(kEndsInterval)) return;
    }
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN) return;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        return WaitForRelief(errno);
      }
      // The connection's own misfortune (accept(2)).
      continue;
    }
    const std::string address = AddressOf(fd);
    // Without an address its client has gone already.
    if (address.empty() || !table_.Admit(fd, address)) {
      close(fd);
      Tell();
      continue;
    }
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.listener_fd = listener;
    parameters.fd = fd;
    grpc_->HandleNewConnection(&parameters);
  }
}

void Acceptor::WaitForRelief(int error) {
  if (absl::Now() >= next_complaint_) {
    next_complaint_ = absl::Now() + kTellInterval;
    spdlog::error("no connection can be taken at the moment: {}", strerror(error));
  }
  WaitForStop(kReliefInterval);
}

bool Acceptor::WaitForStop(absl::Duration time) const {
  pollfd stop = {.fd = stop_.get(), .events = POLLIN, .revents = 0};
  return poll(&stop, 1, static_cast<int>(absl::ToInt64Milliseconds(time))) == 1;
}

void Acceptor::Tell() {
  if (absl::Now() < next_telling_) return;
  next_telling_ = absl::Now() + kTellInterval;
  const ConnectionStats stats = table_.stats();
  spdlog::warn(
      "there are {} connections, as many as may be in all or of one address (limits.connections, "
      "limits.connections_per_address): {} were refused and {} ended to make room since the last "
      "such message",
      stats.open, stats.refused - told_.refused, stats.displaced - told_.displaced);
  told_ = stats;
}

}  // namespace keyward::server
