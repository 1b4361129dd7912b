#include "common/server/connection_table.h"

#include <arpa/inet.h>
#include <fcntl.h>
// Not <netinet/tcp.h>, whose tcp_info does not count bytes.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/unique_fd.h"

namespace keyward::server {
namespace {

// Connections that were ended and whose owner has not closed them yet; they still have a
// descriptor.
constexpr size_t kMaxLeaving = 64;

// In a flood there would be a sweep for each newcomer.
constexpr absl::Duration kMinSweepInterval = absl::Milliseconds(20);
// A sweep takes at most one part in so many of the time.
constexpr int kSweepShare = 10;

constexpr size_t kNetworkBytes = 8;
constexpr size_t kMappedBytes = 12;

std::string Text(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* const written = inet_ntop(family, address, text.data(), text.size());
  return written == nullptr ? "" : written;
}

}  // namespace

std::string AddressOf(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return "";
  if (peer.ss_family == AF_INET) {
    return Text(AF_INET, &reinterpret_cast<const sockaddr_in*>(&peer)->sin_addr);
  }
  if (peer.ss_family != AF_INET6) return "";
  in6_addr address = reinterpret_cast<const sockaddr_in6*>(&peer)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address)) return Text(AF_INET, address.s6_addr + kMappedBytes);
  memset(address.s6_addr + kNetworkBytes, 0, sizeof(address.s6_addr) - kNetworkBytes);
  return absl::StrCat(Text(AF_INET6, &address), "/64");
}

ConnectionTable::ConnectionTable(ConnectionLimits limits) : limits_(limits) {}

// 0, which no socket has, for what is no socket of ours any more.
uint64_t ConnectionTable::CookieOf(int fd) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

bool ConnectionTable::IsOpen(const Socket& socket) { return CookieOf(socket.fd) == socket.cookie; }

bool ConnectionTable::IsSilent(const Socket& socket) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  return getsockopt(socket.fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
         info.tcpi_bytes_received == 0;
}

size_t ConnectionTable::CountOf(const std::string& address) const {
  const auto found = addresses_.find(address);
  return found == addresses_.end() ? 0 : found->second.all.size();
}

bool ConnectionTable::Admit(int fd, const std::string& address) {
  MutexLock lock(&mutex_);
  // What had this number is closed.
  if (const auto before = by_fd_.find(fd); before != by_fd_.end()) Forget(before->second);
  const uint64_t cookie = CookieOf(fd);
  if (cookie == 0 || !MakeRoom(address)) {
    ++refused_;
    return false;
  }
  const uint64_t number = next_number_++;
  connections_[number] = {.socket = {.fd = fd, .cookie = cookie}, .address = address};
  by_fd_[fd] = number;
  Address& of_address = addresses_[address];
  of_address.all.insert(number);
  of_address.silent.insert(number);
  silent_.insert(number);
  return true;
}

bool ConnectionTable::HasRoom(const std::string& address) const {
  return connections_.size() < static_cast<size_t>(limits_.connections) &&
         CountOf(address) < static_cast<size_t>(limits_.connections_per_address);
}

bool ConnectionTable::MakeRoom(const std::string& address) {
  if (HasRoom(address)) return true;
  SweepNowAndThen();
  if (HasRoom(address)) return true;
  if (CountOf(address) >= static_cast<size_t>(limits_.connections_per_address)) {
    return EndSilentOf(address);
  }
  return MakeRoomAmongAll(address);
}

bool ConnectionTable::MakeRoomAmongAll(const std::string& address) {
  const auto most = std::max_element(
      addresses_.begin(), addresses_.end(),
      [](const auto& a, const auto& b) { return a.second.all.size() < b.second.all.size(); });
  const size_t mine = CountOf(address);
  if (most->second.all.size() > mine + 1) {
    const std::string greediest = most->first;
    if (EndSilentOf(greediest)) return true;
    // That may have found others closed.
    const auto left = addresses_.find(greediest);
    return left == addresses_.end() || End(*left->second.all.rbegin());
  }
  if (EndSilentOf(address)) return true;
  // Many addresses that have hardly a connection each: those that say nothing give way to one
  // that is new.
  return mine == 0 && EndSilentOfAll();
}

bool ConnectionTable::EndSilentOf(const std::string& address) {
  for (;;) {
    const auto found = addresses_.find(address);
    if (found == addresses_.end() || found->second.silent.empty()) return HasRoom(address);
    const uint64_t number = *found->second.silent.begin();
    const Socket socket = connections_[number].socket;
    if (!IsOpen(socket)) {
      Forget(number);
    } else if (IsSilent(socket)) {
      return End(number);
    } else {
      found->second.silent.erase(number);
      silent_.erase(number);
    }
  }
}

bool ConnectionTable::EndSilentOfAll() {
  while (!silent_.empty()) {
    const uint64_t number = *silent_.begin();
    const std::string address = connections_[number].address;
    if (EndSilentOf(address)) return true;
  }
  return false;
}

bool ConnectionTable::End(uint64_t number) {
  const Socket socket = connections_[number].socket;
  Forget(number);
  // Its owner may close it at any moment, and the number be another file's: a duplicate is one
  // socket for as long as it takes.
  const UniqueFd same(fcntl(socket.fd, F_DUPFD_CLOEXEC, 0));
  if (CookieOf(same.get()) != socket.cookie) return true;
  shutdown(same.get(), SHUT_RDWR);
  leaving_.push_back(socket);
  ++displaced_;
  return true;
}

bool ConnectionTable::IsWaitingForEnds() {
  MutexLock lock(&mutex_);
  if (leaving_.size() < kMaxLeaving) return false;
  std::erase_if(leaving_, [](const Socket& socket) { return !IsOpen(socket); });
  return leaving_.size() >= kMaxLeaving;
}

void ConnectionTable::Forget(uint64_t number) {
  const auto found = connections_.find(number);
  const auto address = addresses_.find(found->second.address);
  address->second.all.erase(number);
  address->second.silent.erase(number);
  if (address->second.all.empty()) addresses_.erase(address);
  silent_.erase(number);
  by_fd_.erase(found->second.socket.fd);
  connections_.erase(found);
}

void ConnectionTable::Sweep() {
  std::erase_if(leaving_, [](const Socket& socket) { return !IsOpen(socket); });
  std::vector<uint64_t> closed;
  for (const auto& [number, connection] : connections_) {
    if (!IsOpen(connection.socket)) closed.push_back(number);
  }
  for (const uint64_t number : closed) Forget(number);
}

void ConnectionTable::SweepNowAndThen() {
  const absl::Time begin = absl::Now();
  if (begin < next_sweep_) return;
  Sweep();
  const absl::Time end = absl::Now();
  next_sweep_ = end + std::max(kMinSweepInterval, kSweepShare * (end - begin));
}

ConnectionStats ConnectionTable::stats() {
  MutexLock lock(&mutex_);
  Sweep();
  return {
      .open = connections_.size() + leaving_.size(), .refused = refused_, .displaced = displaced_};
}

}  // namespace keyward::server
