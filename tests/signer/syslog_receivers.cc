#include "tests/signer/syslog_receivers.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace keyward::signer {
namespace {

// More than a record of ours has.
constexpr size_t kRoom = 1 << 18;

void DieUnless(bool ok, const char* what) {
  if (ok) return;
  perror(what);
  abort();
}

std::string ReadAll(int fd) {
  std::string text(kRoom, '\0');
  const ssize_t count = pread(fd, text.data(), text.size(), 0);
  DieUnless(count >= 0, "pread");
  text.resize(static_cast<size_t>(count));
  return text;
}

}  // namespace

DatagramReceiver::DatagramReceiver(std::string path)
    : path_(std::move(path)), fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
  DieUnless(bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0, "bind");
}

DatagramReceiver::~DatagramReceiver() { unlink(path_.c_str()); }

std::optional<std::string> DatagramReceiver::Next(absl::Duration patience) {
  pollfd polled = {.fd = fd_.get(), .events = POLLIN, .revents = 0};
  if (poll(&polled, 1, static_cast<int>(absl::ToInt64Milliseconds(patience))) <= 0) {
    return std::nullopt;
  }
  std::string data(kRoom, '\0');
  iovec place = {.iov_base = data.data(), .iov_len = data.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control = {};
  msghdr message = {};
  message.msg_iov = &place;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC);
  DieUnless(count >= 0, "recvmsg");
  data.resize(static_cast<size_t>(count));
  seals_ = 0;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr) return data;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
  const UniqueFd memory(fd);
  seals_ = fcntl(memory.get(), F_GET_SEALS);
  return data + ReadAll(memory.get());
}

TlsReceiver::TlsReceiver(Options options)
    : options_(std::move(options)),
      context_(SSL_CTX_new(TLS_server_method())),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  DieUnless(SSL_CTX_use_certificate_chain_file(context_.get(), options_.certificate.c_str()) == 1 &&
                SSL_CTX_use_PrivateKey_file(context_.get(), options_.private_key.c_str(),
                                            SSL_FILETYPE_PEM) == 1,
            "certificate");
  SSL_CTX_set_max_proto_version(context_.get(), options_.max_version);
  // Weak enough for TLS 1.1, which a test offers.
  SSL_CTX_set_security_level(context_.get(), 0);
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
  if (!options_.client_ca.empty()) {
    SSL_CTX_load_verify_locations(context_.get(), options_.client_ca.c_str(), nullptr);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  listener_ = std::make_unique<UniqueFd>(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(listener_->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Small, so that a receiver that reads nothing is soon full.
  const int small = 4096;
  if (options_.hangs) setsockopt(listener_->get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(options_.port));
  // On every address of the loopback interface.
  DieUnless(bind(listener_->get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
                listen(listener_->get(), 8) == 0,
            "listen");
  socklen_t length = sizeof(address);
  getsockname(listener_->get(), reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

TlsReceiver::~TlsReceiver() {
  const uint64_t one = 1;
  DieUnless(write(stop_.get(), &one, sizeof(one)) == sizeof(one), "eventfd");
  thread_.join();
}

std::string TlsReceiver::address() const { return absl::StrCat("127.0.0.1:", port_); }

std::string TlsReceiver::Await(absl::string_view text, absl::Duration patience) const {
  MutexLock lock(&mutex_);
  const auto has_text = [this, text]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return absl::StrContains(received_, text);
  };
  mutex_.AwaitWithTimeout(has_text, patience);
  return received_;
}

std::string TlsReceiver::client() const {
  MutexLock lock(&mutex_);
  return client_;
}

void TlsReceiver::Run() {
  for (;;) {
    std::array<pollfd, 2> polled = {pollfd{listener_->get(), POLLIN, 0},
                                    pollfd{stop_.get(), POLLIN, 0}};
    poll(polled.data(), polled.size(), -1);
    if (polled[1].revents != 0) return;
    const UniqueFd fd(accept4(listener_->get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (fd.get() >= 0) Serve(fd.get());
  }
}

void TlsReceiver::Serve(int fd) {
  const std::unique_ptr<SSL, OpensslDeleter<&SSL_free>> ssl(SSL_new(context_.get()));
  SSL_set_fd(ssl.get(), fd);
  if (SSL_accept(ssl.get()) != 1) return ERR_clear_error();
  if (const X509Ptr peer(SSL_get1_peer_certificate(ssl.get())); peer != nullptr) {
    char* name = X509_NAME_oneline(X509_get_subject_name(peer.get()), nullptr, 0);
    MutexLock lock(&mutex_);
    client_ = name;
    OPENSSL_free(name);
  }
  std::array<char, 4096> buffer;
  for (;;) {
    std::array<pollfd, 2> polled = {pollfd{fd, POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    if (options_.hangs) polled[0].events = 0;
    if (SSL_pending(ssl.get()) == 0) poll(polled.data(), polled.size(), -1);
    if (polled[1].revents != 0 || options_.hangs) return;
    const int count = SSL_read(ssl.get(), buffer.data(), buffer.size());
    if (count <= 0) return ERR_clear_error();
    MutexLock lock(&mutex_);
    received_.append(buffer.data(), static_cast<size_t>(count));
  }
}

std::vector<std::string> SplitOctetCounted(absl::string_view bytes) {
  std::vector<std::string> messages;
  while (!bytes.empty()) {
    const size_t space = bytes.find(' ');
    size_t length = 0;
    const bool is_counted = space != absl::string_view::npos && bytes.front() != '0' &&
                            absl::SimpleAtoi(bytes.substr(0, space), &length) &&
                            bytes.size() - space - 1 >= length;
    if (!is_counted) {
      messages.emplace_back(bytes);
      return messages;
    }
    messages.emplace_back(bytes.substr(space + 1, length));
    bytes.remove_prefix(space + 1 + length);
  }
  return messages;
}

}  // namespace keyward::signer
