#include "signer/audit/unix_transport.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "common/unique_fd.h"
#include "signer/audit/socket_wait.h"
#include "signer/audit/syslog_message.h"

namespace keyward::signer {
namespace {

// A socket that does not block, connected, so that it notices when its server goes away.
// connect(2) of a stream waits where the server's queue is full: EAGAIN here.
absl::StatusOr<UniqueFd> Connect(const std::string& path, int type) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError("the path is too long for a Unix socket");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, "socket");
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot connect to ", path));
  }
  return fd;
}

// Whether a stream's other end is there.
absl::Status CheckStream(int fd) {
  char byte = 0;
  const ssize_t count = recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_PEEK);
  if (count == 0) return absl::UnavailableError("it has hung up");
  if (count > 0 || errno == EAGAIN || errno == EINTR) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "recv");
}

// Whether who we are connected to still is who can be found at the path. A socket for
// datagrams is not told of its server's end; it is seen when the next is sent, which would
// be late for a record that must be taken before a signature is released.
class DatagramServer {
 public:
  explicit DatagramServer(std::string path) : path_(std::move(path)), inode_(Inode()) {}

  absl::Status Check() const {
    RETURN_IF_ERROR(Connect(path_, SOCK_DGRAM).status());
    return Inode() == inode_ ? absl::OkStatus() : absl::UnavailableError("it was replaced");
  }

 private:
  std::pair<dev_t, ino_t> Inode() const {
    struct stat info {};
    if (stat(path_.c_str(), &info) != 0) return {};
    return {info.st_dev, info.st_ino};
  }

  const std::string path_;
  const std::pair<dev_t, ino_t> inode_;
};

class UnixSyslog final : public AuditTransport {
 public:
  // `datagrams` is empty for a stream.
  UnixSyslog(UniqueFd fd, std::optional<DatagramServer> datagrams)
      : fd_(std::move(fd)), datagrams_(std::move(datagrams)), source_(SyslogSource::Local()) {}

  absl::Status Send(absl::string_view line, absl::Time deadline) override {
    std::string message = SyslogMessage(line, source_);
    if (!datagrams_) message += '\n';
    absl::string_view rest = message;
    while (!rest.empty()) {
      const ssize_t count = send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (count >= 0) {
        rest.remove_prefix(static_cast<size_t>(count));
      } else if (errno == EMSGSIZE) {
        return absl::InvalidArgumentError("a record is too long for a datagram");
      } else if (errno == EAGAIN || errno == ENOBUFS) {
        RETURN_IF_ERROR(AwaitSocket(fd_.get(), POLLOUT, deadline));
      } else if (errno != EINTR) {
        return absl::ErrnoToStatus(errno, "send");
      }
    }
    return absl::OkStatus();
  }

  absl::Status Flush(absl::Time /*deadline*/) override { return absl::OkStatus(); }
  absl::Status CheckAlive() override {
    return datagrams_ ? datagrams_->Check() : CheckStream(fd_.get());
  }

 private:
  const UniqueFd fd_;
  const std::optional<DatagramServer> datagrams_;
  const SyslogSource source_;
};

// Holds `entry`, sealed, so that the journal can read it without a fear that it changes.
absl::StatusOr<UniqueFd> SealedMemory(const std::string& entry) {
  UniqueFd fd(memfd_create("keyward-audit", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, "memfd_create");
  for (absl::string_view rest = entry; !rest.empty();) {
    const ssize_t count = write(fd.get(), rest.data(), rest.size());
    if (count < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "write to a memfd");
    if (count > 0) rest.remove_prefix(static_cast<size_t>(count));
  }
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    return absl::ErrnoToStatus(errno, "seal a memfd");
  }
  return fd;
}

class Journal final : public AuditTransport {
 public:
  Journal(UniqueFd fd, const std::string& path)
      : fd_(std::move(fd)), server_(path), source_(SyslogSource::Local()) {}

  absl::Status Send(absl::string_view line, absl::Time deadline) override {
    const std::string entry = JournalEntry(line, source_);
    iovec data = {.iov_base = const_cast<char*>(entry.data()), .iov_len = entry.size()};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    const int error = SendDatagram(message, deadline);
    if (error == EMSGSIZE) return SendInMemory(entry, deadline);
    return Result(error);
  }

  absl::Status Flush(absl::Time /*deadline*/) override { return absl::OkStatus(); }
  absl::Status CheckAlive() override { return server_.Check(); }

 private:
  absl::Status SendInMemory(const std::string& entry, absl::Time deadline) {
    ASSIGN_OR_RETURN(const UniqueFd memory, SealedMemory(entry));
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control = {};
    msghdr message = {};
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = memory.get();
    std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    return Result(SendDatagram(message, deadline));
  }

  // 0, or the errno; ETIMEDOUT after the deadline.
  int SendDatagram(const msghdr& message, absl::Time deadline) {
    while (sendmsg(fd_.get(), &message, MSG_NOSIGNAL) < 0) {
      if (errno == EINTR) continue;
      // ENOBUFS: the datagram does not fit into the send buffer at all.
      if (errno == ENOBUFS) return EMSGSIZE;
      if (errno != EAGAIN) return errno;
      if (!AwaitSocket(fd_.get(), POLLOUT, deadline).ok()) return ETIMEDOUT;
    }
    return 0;
  }

  static absl::Status Result(int error) {
    if (error == 0) return absl::OkStatus();
    if (error == ETIMEDOUT) return absl::DeadlineExceededError("it takes nothing in time");
    if (error == EMSGSIZE) return absl::InvalidArgumentError("a record is too long");
    return absl::ErrnoToStatus(error, "sendmsg");
  }

  const UniqueFd fd_;
  const DatagramServer server_;
  const SyslogSource source_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AuditTransport>> ConnectUnixSyslog(const std::string& path,
                                                                  absl::Time /*deadline*/) {
  absl::StatusOr<UniqueFd> fd = Connect(path, SOCK_DGRAM);
  if (fd.ok()) return std::make_unique<UnixSyslog>(*std::move(fd), DatagramServer(path));
  // EPROTOTYPE of connect(2), for absl: it is a stream.
  if (!absl::IsInvalidArgument(fd.status())) return fd.status();
  absl::StatusOr<UniqueFd> stream = Connect(path, SOCK_STREAM);
  RETURN_IF_ERROR(stream.status());
  return std::make_unique<UnixSyslog>(*std::move(stream), std::nullopt);
}

absl::StatusOr<std::unique_ptr<AuditTransport>> ConnectJournal(const std::string& path,
                                                               absl::Time /*deadline*/) {
  ASSIGN_OR_RETURN(UniqueFd fd, Connect(path, SOCK_DGRAM));
  return std::make_unique<Journal>(std::move(fd), path);
}

}  // namespace keyward::signer
