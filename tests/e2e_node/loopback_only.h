// A process and its children without a network but for the loopback interface.
#ifndef KEYWARD_TESTS_E2E_NODE_LOOPBACK_ONLY_H_
#define KEYWARD_TESTS_E2E_NODE_LOOPBACK_ONLY_H_

#include "absl/status/status.h"

namespace keyward::testing {

// Moves this process into a network namespace of its own, where 127.0.0.1 is all there
// is, so that what it starts reaches nothing else whatever it tries. To be called
// before there is a second thread. UNAVAILABLE where the kernel, or the container that
// it runs in, does not allow it: nothing has changed then, save perhaps the name space
// of users.
absl::Status EnterLoopbackOnlyNetwork();

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_E2E_NODE_LOOPBACK_ONLY_H_
