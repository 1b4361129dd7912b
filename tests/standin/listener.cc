#include "tests/standin/listener.h"

#include <httplib.h>
#include <openssl/ssl.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/openssl.h"

namespace keyward::standin {
namespace {

constexpr char kAddress[] = "127.0.0.1";

// Without it OpenSSL asks the terminal for the password of an encrypted key.
int NoPassword(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return 0; }

absl::Status UseFiles(SSL_CTX& context, const std::string& certificate_file,
                      const std::string& key_file) {
  SSL_CTX_set_default_passwd_cb(&context, &NoPassword);
  absl::string_view culprit;
  if (SSL_CTX_use_certificate_chain_file(&context, certificate_file.c_str()) != 1) {
    culprit = certificate_file;
  } else if (SSL_CTX_use_PrivateKey_file(&context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    culprit = key_file;
  } else if (SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION) == 1) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(OpensslError(culprit).message());
}

}  // namespace

absl::StatusOr<std::unique_ptr<httplib::Server>> NewHttpsServer(const std::string& certificate_file,
                                                                const std::string& key_file) {
  absl::Status status = absl::InternalError("OpenSSL made no TLS context");
  auto server = std::make_unique<httplib::SSLServer>([&](SSL_CTX& context) {
    status = UseFiles(context, certificate_file, key_file);
    return status.ok();
  });
  if (!status.ok()) return status;
  return std::unique_ptr<httplib::Server>(std::move(server));
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::New(std::unique_ptr<httplib::Server> server,
                                                        int port, ErrorShape shape,
                                                        int keep_alive_seconds) {
  Configure(*server, shape, keep_alive_seconds);
  int bound = port;
  if (port == 0) {
    bound = server->bind_to_any_port(kAddress);
  } else if (!server->bind_to_port(kAddress, port)) {
    bound = -1;
  }
  if (bound <= 0) {
    return absl::UnavailableError(absl::StrCat("port ", port, " of ", kAddress, " is not free"));
  }
  return std::unique_ptr<Listener>(new Listener(std::move(server), bound));
}

Listener::Listener(std::unique_ptr<httplib::Server> server, int port)
    : server_(std::move(server)), port_(port), thread_([this] { server_->listen_after_bind(); }) {
  // stop() has no effect on a server that is not running yet.
  while (!server_->is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

Listener::~Listener() {
  server_->stop();
  thread_.join();
}

}  // namespace keyward::standin
