#include "tests/standin/connection.h"

#include <httplib.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <atomic>
#include <utility>

namespace keyward::standin {
namespace {

struct Connection {
  int64_t number = 0;
  int requests = 0;
};

thread_local Connection current_connection;

// cpp-httplib queues one task for each connection that it accepts.
class ConnectionThreads : public httplib::ThreadPool {
 public:
  using httplib::ThreadPool::ThreadPool;

  void enqueue(std::function<void()> serve) override {
    static std::atomic<int64_t> last_number{0};
    httplib::ThreadPool::enqueue([number = ++last_number, serve = std::move(serve)] {
      current_connection = {number, 0};
      serve();
      current_connection = {};
    });
  }
};

}  // namespace

httplib::TaskQueue* NewConnectionThreads(size_t threads) { return new ConnectionThreads(threads); }

int64_t ConnectionNumber() { return current_connection.number; }

int CountRequest() { return ++current_connection.requests; }

bool TlsResumed(const httplib::Request& request) {
  return request.ssl != nullptr && SSL_session_reused(const_cast<SSL*>(request.ssl)) == 1;
}

void ResetConnection(const httplib::Request& request) {
  if (request.ssl == nullptr) return;
  const int socket = SSL_get_fd(request.ssl);
  // A close would only come after cpp-httplib has written its answer. Dissolving
  // the association (connect(2), AF_UNSPEC) sends RST now, and that answer fails.
  const linger no_wait{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &no_wait, sizeof(no_wait));
  const sockaddr nowhere{.sa_family = AF_UNSPEC, .sa_data = {}};
  (void)connect(socket, &nowhere, sizeof(nowhere));
}

}  // namespace keyward::standin
