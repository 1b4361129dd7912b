// "Login IP Ranges" of a user, IPv4.
#ifndef KEYWARD_TESTS_STANDIN_IP_RANGE_H_
#define KEYWARD_TESTS_STANDIN_IP_RANGE_H_

#include <string>
#include <vector>

namespace keyward::standin {

// An address, "FIRST-LAST" or "ADDRESS/BITS".
bool IsIpRange(const std::string& range);

// True when `address` is in one of `ranges`, or there are none.
bool InIpRanges(const std::string& address, const std::vector<std::string>& ranges);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_IP_RANGE_H_
