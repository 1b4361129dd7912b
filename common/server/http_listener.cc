#include "common/server/http_listener.h"

#include <errno.h>
#include <httplib.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/loopback.h"
#include "common/mutex.h"
#include "common/unique_fd.h"

namespace keyward::server {
namespace {

constexpr size_t kMaxRequestBytes = size_t{16} << 10;

// Readable for poll() while it is raised.
class Flag {
 public:
  int fd() const { return fd_.get(); }
  void Raise() const { eventfd_write(fd_.get(), 1); }
  void Lower() const {
    eventfd_t count = 0;
    eventfd_read(fd_.get(), &count);
  }

 private:
  const UniqueFd fd_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

// cpp-httplib's own queue takes every connection that comes. This one makes the
// thread that accepts them wait instead, and raises `crowded` meanwhile.
class BoundedTaskQueue final : public httplib::TaskQueue {
 public:
  explicit BoundedTaskQueue(const Flag& crowded) : crowded_(crowded) {}

  // Called by the thread that accepts alone.
  void enqueue(std::function<void()> task) override {
    if (!TakeThread()) {
      crowded_.Raise();
      WaitForThread();
      crowded_.Lower();
    }
    threads_.enqueue([this, task = std::move(task)] {
      task();
      MutexLock lock(&mutex_);
      --busy_;
    });
  }

  void shutdown() override { threads_.shutdown(); }

 private:
  bool TakeThread() {
    MutexLock lock(&mutex_);
    if (busy_ == kHttpThreads) return false;
    ++busy_;
    return true;
  }

  void WaitForThread() {
    const auto has_free_thread = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return busy_ < kHttpThreads;
    };
    MutexLock lock(&mutex_, has_free_thread);
    ++busy_;
  }

  const Flag& crowded_;
  Mutex mutex_;
  int busy_ ABSL_GUARDED_BY(mutex_) = 0;
  httplib::ThreadPool threads_{kHttpThreads};
};

// One connection. cpp-httplib bounds each wait and each header, but neither their sum
// nor their number, so a client could hold a thread and fill memory for ever.
class BoundedStream final : public httplib::Stream {
 public:
  // Waits end as `times` say, and those for the client's request as soon as `stop` is raised.
  BoundedStream(int socket, const Flag& stop, const Flag& crowded, const HttpTimes& times)
      : socket_(socket), stop_(stop), crowded_(crowded), times_(times) {}

  bool is_readable() const override { return begin_ < end_ || Wait(POLLIN); }
  bool is_writable() const override { return Wait(POLLOUT); }

  ssize_t read(char* data, size_t size) override {
    if (begin_ == end_) {
      const size_t room = std::min(buffer_.size(), kMaxRequestBytes - received_);
      if (room == 0 || !Wait(POLLIN)) return -1;
      const ssize_t count = recv(socket_, buffer_.data(), room, 0);
      if (count <= 0) return count;
      begin_ = 0;
      end_ = static_cast<size_t>(count);
      received_ += end_;
    }
    const size_t count = std::min(size, end_ - begin_);
    std::memcpy(data, buffer_.data() + begin_, count);
    begin_ += count;
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* data, size_t size) override {
    if (!Wait(POLLOUT)) return -1;
    return send(socket_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  void get_remote_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  void get_local_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  socket_t socket() const override { return socket_; }

 private:
  bool Wait(int16_t event) const {
    const bool reads = event == POLLIN;
    const absl::Time deadline = start_ + (reads ? times_.request : times_.connection);
    const absl::Time crowded =
        start_ + (reads ? times_.crowded_request : times_.crowded_connection);
    for (;;) {
      const absl::Time now = absl::Now();
      if (now >= deadline) return false;
      // A negative descriptor is not looked at.
      std::array<pollfd, 3> polled = {pollfd{socket_, event, 0}, pollfd{stop_.fd(), POLLIN, 0},
                                      pollfd{now < crowded ? -1 : crowded_.fd(), POLLIN, 0}};
      const absl::Time until = now < crowded ? std::min(crowded, deadline) : deadline;
      const int64_t left = absl::ToInt64Milliseconds(until - now) + 1;
      const int ready = poll(polled.data(), polled.size(), static_cast<int>(left));
      if (ready < 0 && errno != EINTR) return false;
      if (ready <= 0) continue;
      return (polled[0].revents & event) != 0 && (!reads || polled[1].revents == 0);
    }
  }

  const int socket_;
  const Flag& stop_;
  const Flag& crowded_;
  const HttpTimes& times_;
  const absl::Time start_ = absl::Now();
  std::array<char, 4096> buffer_{};
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t received_ = 0;
};

// Whether all that the request says of the host that it is meant for is this machine.
bool IsForThisMachine(const httplib::Request& request) {
  const auto hosts = request.headers.equal_range("Host");
  return std::all_of(hosts.first, hosts.second, [](const auto& header) {
    return header.second.empty() || IsLoopbackHost(HostOf(header.second));
  });
}

void Answer(const HttpListener::Handler& handler, const httplib::Request& request,
            httplib::Response& response) {
  response.set_header("Cache-Control", "no-store");
  if (request.method != "GET" && request.method != "HEAD") {
    response.status = 405;
    response.set_header("Allow", "GET, HEAD");
    response.set_content("only GET and HEAD\n", "text/plain");
    return;
  }
  const HttpAnswer answer = handler(request.path);
  response.status = answer.status;
  response.set_content(answer.body, answer.content_type);
}

}  // namespace

class HttpListener::Server final : public httplib::Server {
 public:
  Server(HttpListener::Handler handler, bool loopback, const HttpTimes& times) : times_(times) {
    new_task_queue = [this] { return new BoundedTaskQueue(crowded_); };
    // cpp-httplib's own options include SO_REUSEPORT, with which a second signer
    // would share the port unnoticed.
    set_socket_options([](socket_t socket) {
      const int on = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    });
    // Before routing, and so before a body is read.
    set_pre_routing_handler([handler = std::move(handler), loopback](
                                const httplib::Request& request, httplib::Response& response) {
      if (loopback && !IsForThisMachine(request)) {
        response.status = 403;
        response.set_content("the Host is not this machine\n", "text/plain");
      } else {
        Answer(handler, request, response);
      }
      return HandlerResponse::Handled;
    });
    // The default one tells the client what was thrown.
    set_exception_handler([](const httplib::Request&, httplib::Response& response,
                             const std::exception_ptr&) { response.status = 500; });
  }

  // The port, or nothing above zero where it cannot be had.
  int Bind(const std::string& host, int port) {
    if (port == 0) return bind_to_any_port(host);
    return bind_to_port(host, port) ? port : -1;
  }

  // httplib::Server::stop() does nothing to a server whose thread has not come to
  // listen yet, and closes the socket under it when it has.
  void Stop() {
    stop_.Raise();
    shutdown(svr_sock_, SHUT_RDWR);
  }

 private:
  bool process_and_close_socket(socket_t socket) override {
    BoundedStream stream(socket, stop_, crowded_, times_);
    bool is_closed = false;
    const bool done = process_request(stream, /*close_connection=*/true, is_closed, nullptr);
    // What was not read would turn the end into a reset, perhaps ahead of the answer.
    shutdown(socket, SHUT_WR);
    std::array<char, kMaxRequestBytes> rest{};
    (void)recv(socket, rest.data(), rest.size(), MSG_DONTWAIT);
    close(socket);
    return done;
  }

  const HttpTimes times_;
  const Flag stop_;
  const Flag crowded_;
};

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::New(const std::string& address,
                                                                Handler handler,
                                                                const HttpTimes& times) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  int port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port)) {
    return absl::InvalidArgumentError(absl::StrCat(address, " is not HOST:PORT"));
  }
  const std::string written_host = host;
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  auto server = std::make_unique<Server>(std::move(handler), IsLoopbackHost(written_host), times);
  const int bound = server->Bind(host, port);
  if (bound <= 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, "; is another process there?"));
  }
  return std::unique_ptr<HttpListener>(
      new HttpListener(std::move(server), absl::StrCat(written_host, ":", bound)));
}

HttpListener::HttpListener(std::unique_ptr<Server> server, std::string address)
    : server_(std::move(server)), address_(std::move(address)), thread_([this] { Run(); }) {}

void HttpListener::Run() {
  server_->listen_after_bind();
  ended_ = true;
  if (!stopping_) {
    spdlog::error("nothing listens on {} any more; restart to have it back", address_);
  }
}

HttpListener::~HttpListener() {
  stopping_ = true;
  if (!ended_) server_->Stop();
  thread_.join();
}

}  // namespace keyward::server
