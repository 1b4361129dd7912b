// Which addresses are on the public internet. Internal to client/https.
#ifndef KEYWARD_CLIENT_HTTPS_PUBLIC_ADDRESS_H_
#define KEYWARD_CLIENT_HTTPS_PUBLIC_ADDRESS_H_

#include <sys/socket.h>

namespace keyward::client {

// Whether `address` is a unicast address that is globally reachable by IANA's special-purpose
// registries (RFC 6890): not private, loopback, link-local, shared, reserved, for documentation or
// multicast. An IPv6 address that leads to an IPv4 one (IPv4-mapped, NAT64 of RFC 6052, 6to4 of
// RFC 3056) is what that one is. Anything but IPv4 and IPv6 is not public.
bool IsPublicAddress(const sockaddr* address, socklen_t size);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_HTTPS_PUBLIC_ADDRESS_H_
