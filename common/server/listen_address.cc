#include "common/server/listen_address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/unique_fd.h"

namespace keyward::server {
namespace {

constexpr int kMaxPort = 65535;
constexpr mode_t kPermissions = S_IRWXU | S_IRWXG | S_IRWXO;
// What is bound first, beside the path: a folder, and in it a name of one letter.
constexpr char kPrivateFolder[] = ".keyward-XXXXXX";
constexpr char kBoundName[] = "/s";
constexpr char kAsideName[] = "/a";
// More than one where sockets come and go while this one is made.
constexpr int kAttempts = 8;

std::string FolderOf(absl::string_view path) {
  const std::string folder = std::filesystem::path(std::string(path)).parent_path();
  return folder == "/" ? "" : folder;
}

sockaddr_un SocketAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // The caller has seen that it fits.
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

enum class Occupant { kNothing, kStaleSocket };

// What is at `path`, which may be replaced; an error for what may not.
absl::StatusOr<Occupant> Look(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return Occupant::kNothing;
    return absl::ErrnoToStatus(errno, "cannot be looked at");
  }
  if (!S_ISSOCK(info.st_mode)) {
    return absl::FailedPreconditionError(
        "is there and is no socket: move it away, or choose another path");
  }
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) return absl::ErrnoToStatus(errno, "cannot be tried");
  const sockaddr_un address = SocketAddress(path);
  const bool answers =
      connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  if (!answers && errno == ECONNREFUSED) return Occupant::kStaleSocket;
  if (!answers && errno == ENOENT) return Occupant::kNothing;
  // Anything else, such as a full backlog, may be a process that lives.
  return absl::UnavailableError("another process serves there: stop it, or choose another path");
}

// Removes the socket of a process that is gone. Another daemon may do the same and put its own
// socket there at any moment, so it is moved to `aside` first, looked at again, and put back if
// it turns out to be in use.
absl::Status RemoveStale(const std::string& path, const std::string& aside) {
  if (rename(path.c_str(), aside.c_str()) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, "cannot be replaced");
  }
  const absl::Status looked = Look(aside).status();
  if (!looked.ok() && link(aside.c_str(), path.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("was moved to ", aside, " and is needed"));
  }
  unlink(aside.c_str());
  return looked;
}

}  // namespace

std::string WrongWithListen(absl::string_view text) {
  constexpr char kForm[] = "must be HOST:PORT, with an IPv6 address in brackets";
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return kForm;
  const absl::string_view host = text.substr(0, colon);
  const absl::string_view port = text.substr(colon + 1);
  const bool is_bracketed = host.front() == '[' && host.back() == ']' && host.size() > 2;
  if ((host.find_first_of(":[]") != absl::string_view::npos && !is_bracketed) ||
      std::any_of(host.begin(), host.end(), absl::ascii_isspace)) {
    return kForm;
  }
  int number = 0;
  if (port.empty() || !std::all_of(port.begin(), port.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(port, &number) || number > kMaxPort) {
    return "the port must be 0..65535, where 0 takes any that is free";
  }
  return "";
}

std::string WrongWithUnixSocket(absl::string_view path) {
  if (path.empty() || path.front() != '/') return "must be an absolute path";
  if (path.back() == '/' || path.find('\0') != absl::string_view::npos) {
    return "must be the path of a socket";
  }
  // sun_path ends in a zero (unix(7)); the path and what is bound first must both fit.
  constexpr size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;
  constexpr size_t kMaxFolder = kMaxPath - sizeof(kPrivateFolder) - (sizeof(kBoundName) - 1);
  if (path.size() > kMaxPath || FolderOf(path).size() > kMaxFolder) {
    return absl::StrCat("is too long for a socket: at most ", kMaxPath, " bytes, of which ",
                        kMaxFolder, " may be its folder");
  }
  return "";
}

absl::StatusOr<std::unique_ptr<UnixSocketPlace>> UnixSocketPlace::New(const UnixSocket& socket) {
  const std::string wrong = WrongWithUnixSocket(socket.path);
  if (!wrong.empty()) return absl::InvalidArgumentError(absl::StrCat(socket.path, " ", wrong));
  if ((socket.mode & ~kPermissions) != 0) {
    return absl::InvalidArgumentError("the socket's mode must be 0..0777");
  }
  RETURN_IF_ERROR(Annotate(Look(socket.path).status(), socket.path));
  // For its owner alone, from the start.
  std::string private_folder = absl::StrCat(FolderOf(socket.path), "/", kPrivateFolder);
  if (mkdtemp(private_folder.data()) == nullptr) {
    return absl::ErrnoToStatus(
        errno, absl::StrCat(socket.path, ": its folder does not let a socket be made"));
  }
  return std::unique_ptr<UnixSocketPlace>(new UnixSocketPlace(socket, std::move(private_folder)));
}

UnixSocketPlace::UnixSocketPlace(UnixSocket socket, std::string private_folder)
    : socket_(std::move(socket)), private_folder_(std::move(private_folder)) {}

std::string UnixSocketPlace::bind_address() const {
  return absl::StrCat("unix:", private_folder_, kBoundName);
}

std::string UnixSocketPlace::address() const { return absl::StrCat("unix:", socket_.path); }

absl::Status UnixSocketPlace::Publish() {
  const std::string bound = absl::StrCat(private_folder_, kBoundName);
  struct stat info {};
  if (chmod(bound.c_str(), socket_.mode) != 0 || lstat(bound.c_str(), &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(socket_.path, ": its mode cannot be set"));
  }
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    // Not rename(2), which would replace what has come there meanwhile.
    if (link(bound.c_str(), socket_.path.c_str()) == 0) {
      device_ = info.st_dev;
      inode_ = info.st_ino;
      RemovePrivateFolder();
      return absl::OkStatus();
    }
    if (errno != EEXIST) {
      return absl::ErrnoToStatus(errno, absl::StrCat(socket_.path, ": cannot be made"));
    }
    const absl::StatusOr<Occupant> occupant = Look(socket_.path);
    RETURN_IF_ERROR(Annotate(occupant.status(), socket_.path));
    if (*occupant == Occupant::kNothing) continue;
    RETURN_IF_ERROR(Annotate(RemoveStale(socket_.path, absl::StrCat(private_folder_, kAsideName)),
                             socket_.path));
  }
  return absl::UnavailableError(
      absl::StrCat(socket_.path, ": other processes keep making a socket there: stop them"));
}

void UnixSocketPlace::RemovePrivateFolder() {
  if (private_folder_.empty()) return;
  unlink(absl::StrCat(private_folder_, kBoundName).c_str());
  rmdir(private_folder_.c_str());
  private_folder_.clear();
}

UnixSocketPlace::~UnixSocketPlace() {
  RemovePrivateFolder();
  struct stat info {};
  if (inode_ != 0 && lstat(socket_.path.c_str(), &info) == 0 && info.st_dev == device_ &&
      info.st_ino == inode_) {
    unlink(socket_.path.c_str());
  }
}

}  // namespace keyward::server
