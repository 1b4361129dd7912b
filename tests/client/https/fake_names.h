// Names that resolve to what a test says, for everything in the test's process that looks names up
// with getaddrinfo(3), libcurl too.
#ifndef KEYWARD_TESTS_CLIENT_HTTPS_FAKE_NAMES_H_
#define KEYWARD_TESTS_CLIENT_HTTPS_FAKE_NAMES_H_

#include <string>
#include <vector>

#include "absl/synchronization/notification.h"

namespace keyward::testing {

// From now on `name` has these addresses (one at least) …
void SetAddresses(const std::string& name, const std::vector<std::string>& addresses);

// … or is unknown …
void SetUnknown(const std::string& name);

// … or is unknown, but to say so takes until `release`, which must outlive the look-ups.
void SetSlow(const std::string& name, absl::Notification* release);

// How many look-ups of `name` ended.
int LookUpsOf(const std::string& name);

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_CLIENT_HTTPS_FAKE_NAMES_H_
