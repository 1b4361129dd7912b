#include "client/https/public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "client/https/address_range.h"

namespace keyward::client {
namespace {

constexpr const char* kNotPublicIpv4[] = {
    "0.0.0.0/8",        // this network, RFC 791
    "10.0.0.0/8",       // private use, RFC 1918
    "100.64.0.0/10",    // shared by carriers' NAT, RFC 6598
    "127.0.0.0/8",      // loopback, RFC 1122
    "169.254.0.0/16",   // link-local, RFC 3927: metadata services of clouds
    "172.16.0.0/12",    // private use, RFC 1918
    "192.0.0.0/24",     // protocol assignments, RFC 6890
    "192.0.2.0/24",     // documentation, RFC 5737
    "192.88.99.0/24",   // 6to4 relays, given up by RFC 7526
    "192.168.0.0/16",   // private use, RFC 1918
    "198.18.0.0/15",    // benchmarks, RFC 2544
    "198.51.100.0/24",  // documentation, RFC 5737
    "203.0.113.0/24",   // documentation, RFC 5737
    "224.0.0.0/4",      // multicast, RFC 5771
    "240.0.0.0/4",      // reserved, RFC 1112, and the limited broadcast
};

// IPv6 addresses that lead to an IPv4 one.
constexpr char kMapped[] = "::ffff:0:0/96";  // RFC 4291 section 2.5.5.2
constexpr char kNat64[] = "64:ff9b::/96";    // RFC 6052
constexpr char k6to4[] = "2002::/16";        // RFC 3056

// Where all other IPv6 addresses for the internet are (RFC 4291 section 2.4) …
constexpr char kGlobalUnicast[] = "2000::/3";
// … but for these.
constexpr const char* kNotPublicIpv6[] = {
    "2001::/23",      // protocol assignments, RFC 2928; Teredo is among them
    "2001:db8::/32",  // documentation, RFC 3849
    "3fff::/20",      // documentation, RFC 9637
};

template <typename Ranges>
bool IsInAny(const std::string& address, const Ranges& ranges) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [&address](const char* range) { return IsInRange(address, range); });
}

std::string Text(int family, const void* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(family, bytes, text.data(), text.size());
}

bool IsPublicIpv4(const void* bytes) { return !IsInAny(Text(AF_INET, bytes), kNotPublicIpv4); }

bool IsPublicIpv6(const in6_addr& bytes) {
  const std::string address = Text(AF_INET6, &bytes);
  if (IsInRange(address, kMapped) || IsInRange(address, kNat64)) {
    return IsPublicIpv4(&bytes.s6_addr[12]);
  }
  if (IsInRange(address, k6to4)) return IsPublicIpv4(&bytes.s6_addr[2]);
  return IsInRange(address, kGlobalUnicast) && !IsInAny(address, kNotPublicIpv6);
}

}  // namespace

bool IsPublicAddress(const sockaddr* address, socklen_t size) {
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof(v4));
    return IsPublicIpv4(&v4.sin_addr);
  }
  if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof(v6));
    return IsPublicIpv6(v6.sin6_addr);
  }
  return false;
}

}  // namespace keyward::client
