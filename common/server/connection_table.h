// Which connections a server has, and which it takes when it has as many as it may.
#ifndef KEYWARD_COMMON_SERVER_CONNECTION_TABLE_H_
#define KEYWARD_COMMON_SERVER_CONNECTION_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace keyward::server {

struct ConnectionLimits {
  // Both at least 1.
  int connections = 2000;
  // Of one address, and of one /64 of IPv6, of which a single machine has all addresses.
  int connections_per_address = 1000;
};

struct ConnectionStats {
  // Connections there are.
  size_t open = 0;
  // Closed as soon as they came, and ended to make room, since the start.
  int64_t refused = 0;
  int64_t displaced = 0;
};

// Whose a connection is, for these limits: an IPv4 address, or "PREFIX::/64" of IPv6; "" for what
// has no address. `fd` is a connected TCP socket.
std::string AddressOf(int fd);

// The connections are somebody else's, who closes them without a word: what has ended is
// found by asking the kernel whether a descriptor is still the same socket. So no connection costs
// a second descriptor.
//
// Where there is no room, addresses share what there is: the newcomer takes a place of the address
// that has the most, if that has more than the newcomer's would have. Of an address, a
// connection that has not sent a byte goes first, the oldest of them, and then the newest.
// Thread-safe.
class ConnectionTable {
 public:
  explicit ConnectionTable(ConnectionLimits limits);
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  // Whether the new connection `fd` of `address` may stay, in which case it is counted. May end
  // another, by shutdown(2), which its owner sees and closes it.
  bool Admit(int fd, const std::string& address);

  // Whether so many that were ended are not closed yet that no more should be admitted now: each
  // has its descriptor still.
  bool IsWaitingForEnds();

  // Looks at every connection: 0.3 us each.
  ConnectionStats stats();

 private:
  struct Socket {
    int fd = -1;
    // SO_COOKIE: no other socket ever has it.
    uint64_t cookie = 0;
  };
  struct Connection {
    Socket socket;
    std::string address;
  };
  // By number, which is the order in which they came.
  using Numbers = std::set<uint64_t>;
  struct Address {
    Numbers all;
    // Those that had not sent a byte when last asked.
    Numbers silent;
  };

  static uint64_t CookieOf(int fd);
  static bool IsOpen(const Socket& socket);
  static bool IsSilent(const Socket& socket);

  size_t CountOf(const std::string& address) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoom(const std::string& address) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MakeRoom(const std::string& address) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MakeRoomAmongAll(const std::string& address) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool EndSilentOf(const std::string& address) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool EndSilentOfAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool End(uint64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(uint64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Sweep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SweepNowAndThen() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ConnectionLimits limits_;
  Mutex mutex_;
  std::map<uint64_t, Connection> connections_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<int, uint64_t> by_fd_ ABSL_GUARDED_BY(mutex_);
  // Only those that have connections.
  std::map<std::string, Address> addresses_ ABSL_GUARDED_BY(mutex_);
  // Of all addresses.
  Numbers silent_ ABSL_GUARDED_BY(mutex_);
  // Shut down, and not closed yet when last asked.
  std::vector<Socket> leaving_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time next_sweep_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  int64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t displaced_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_CONNECTION_TABLE_H_
