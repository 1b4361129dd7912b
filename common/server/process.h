// What a daemon does to its own process before it serves.
#ifndef KEYWARD_COMMON_SERVER_PROCESS_H_
#define KEYWARD_COMMON_SERVER_PROCESS_H_

#include <signal.h>

namespace keyward::server {

// Hardens the process: no core dumps and no ptrace by others of its user, since
// assertions pass through its memory; no more privileges by any program that it runs;
// files that nobody else can access, where their mode is not given; as many file descriptors as the
// hard limit allows; a reader of stderr that goes away, or a closed terminal, does not end it.
// gRPC's messages go to our log, and its listener's death ends the process, so that
// it is restarted. Call it first, while there is one thread.
void PrepareProcess();

// Blocks SIGTERM and SIGINT for this thread and those that it starts, and returns
// them: one thread waits for them with sigwait(3).
sigset_t BlockStopSignals();

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_PROCESS_H_
