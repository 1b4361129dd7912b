#include "tests/client/login_host.h"

#include <httplib.h>

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/notification.h"
#include "common/mutex.h"

namespace keyward::testing {

struct LoginHost::Impl {
  explicit Impl(const CertificateFiles& files)
      : server(files.certificate.c_str(), files.private_key.c_str()) {}

  void Handle(const httplib::Request& request, httplib::Response& response) {
    const MutexLock lock(&mutex);
    Record(request);
    response.status = reply.status;
    for (const auto& [name, value] : reply.headers) response.set_header(name, value);
    if (!reply.location.empty()) response.set_header("Location", reply.location);
    if (reply.announced_bytes == 0) {
      response.set_content(reply.body, "application/json");
      return;
    }
    response.set_content_provider(
        reply.announced_bytes, "application/json",
        [this, sent = reply](size_t offset, size_t, auto& sink) {
          if (sent.drip) {
            stopping.WaitForNotificationWithTimeout(absl::Milliseconds(20));
            return sink.write(sent.body.data(), 1);
          }
          if (offset == 0 && !sent.body.empty()) {
            return sink.write(sent.body.data(), sent.body.size());
          }
          if (sent.hang) stopping.WaitForNotification();
          return false;
        });
  }

  void Record(const httplib::Request& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    Posted seen;
    seen.method = request.method;
    seen.path = request.path;
    seen.content_type = request.get_header_value("Content-Type");
    seen.body = request.body;
    for (const auto& [name, value] : request.params) seen.form[name] = value;
    for (const auto& [name, value] : request.headers) seen.headers[name] = value;
    seen.client_port = request.remote_port;
    posted.push_back(seen);
  }

  httplib::SSLServer server;
  int port = 0;
  absl::Notification stopping;
  Mutex mutex;
  Reply reply ABSL_GUARDED_BY(mutex);
  std::vector<Posted> posted ABSL_GUARDED_BY(mutex);
  std::thread thread;
};

LoginHost::LoginHost(const CertificateFiles& files, KeepAlive keep_alive)
    : impl_(std::make_unique<Impl>(files)) {
  impl_->server.set_keep_alive_max_count(keep_alive == KeepAlive::kYes ? 1000 : 1);
  impl_->server.set_keep_alive_timeout(1);
  const auto handler = [this](const httplib::Request& request, httplib::Response& response) {
    impl_->Handle(request, response);
  };
  impl_->server.Post(".*", handler);
  impl_->server.Get(".*", handler);
  impl_->port = impl_->server.bind_to_any_port("127.0.0.1");
  impl_->thread = std::thread([this] { impl_->server.listen_after_bind(); });
  // stop() before the server runs would be lost.
  while (!impl_->server.is_running()) std::this_thread::yield();
}

LoginHost::~LoginHost() {
  impl_->stopping.Notify();
  impl_->server.stop();
  impl_->thread.join();
}

void LoginHost::AnswerWith(const Reply& reply) {
  const MutexLock lock(&impl_->mutex);
  impl_->reply = reply;
}

std::string LoginHost::Url(const std::string& host) const {
  return "https://" + host + ":" + std::to_string(impl_->port);
}

int LoginHost::port() const { return impl_->port; }

std::vector<Posted> LoginHost::posted() const {
  const MutexLock lock(&impl_->mutex);
  return impl_->posted;
}

Reply Granted(const std::string& token) {
  Reply reply;
  reply.body = R"({"access_token":")" + token + R"(","scope":"api refresh_token",)" +
               R"("instance_url":"https://acme.my.salesforce.com",)" +
               R"("id":"https://login.salesforce.com/id/00Dxx/005xx","token_type":"Bearer",)" +
               R"("issued_at":"1700000000000"})";
  return reply;
}

}  // namespace keyward::testing
