// Where a daemon listens: HOST:PORT, or a Unix socket.
#ifndef KEYWARD_COMMON_SERVER_LISTEN_ADDRESS_H_
#define KEYWARD_COMMON_SERVER_LISTEN_ADDRESS_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::server {

// What is wrong with `text` as "HOST:PORT", an IPv6 address in brackets and port 0 for any that
// is free, or "".
std::string WrongWithListen(absl::string_view text);

struct UnixSocket {
  // Absolute; its folder is there.
  std::string path;
  // Who may connect: write permission is what counts (unix(7)).
  mode_t mode = 0600;
};

// What is wrong with `path` as that of a Unix socket, or "". Looks at no file.
std::string WrongWithUnixSocket(absl::string_view path);

// The place of a socket from before it listens until its end. In use:
//
//   ASSIGN_OR_RETURN(auto place, UnixSocketPlace::New(socket));
//   builder.AddListeningPort(place->bind_address(),
//                            grpc::experimental::LocalServerCredentials(UDS));
//   server = builder.BuildAndStart();
//   RETURN_IF_ERROR(place->Publish());
//
// The socket is bound in a folder that only this user can enter, and comes to its path with its
// mode already set. A socket that a process left there when it died is replaced; one on which
// a process answers, and what is no socket, never is. Of two daemons that start at a time one
// wins. Not thread-safe.
class UnixSocketPlace {
 public:
  // Errors, without a reason, which name the path:
  //   INVALID_ARGUMENT     as WrongWithUnixSocket(), or the mode
  //   UNAVAILABLE          another process answers there
  //   FAILED_PRECONDITION  what is there is no socket
  // and what the system says where the folder cannot be written.
  static absl::StatusOr<std::unique_ptr<UnixSocketPlace>> New(const UnixSocket& socket);
  // Removes the socket, if it is still the one that was published.
  ~UnixSocketPlace();
  UnixSocketPlace(const UnixSocketPlace&) = delete;
  UnixSocketPlace& operator=(const UnixSocketPlace&) = delete;

  // "unix:/..." for grpc::ServerBuilder::AddListeningPort().
  std::string bind_address() const;
  // "unix:PATH", for clients once it is published.
  std::string address() const;

  // Puts the socket, which listens by now, at its path with its mode; once. Errors as New(), for
  // what has come there since.
  absl::Status Publish();

 private:
  UnixSocketPlace(UnixSocket socket, std::string private_folder);

  void RemovePrivateFolder();

  const UnixSocket socket_;
  // "" once it is removed.
  std::string private_folder_;
  // Of what was published.
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_LISTEN_ADDRESS_H_
