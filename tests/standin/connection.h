// The TCP connection that a request came on, which cpp-httplib does not show.
#ifndef KEYWARD_TESTS_STANDIN_CONNECTION_H_
#define KEYWARD_TESTS_STANDIN_CONNECTION_H_

#include <cstddef>
#include <cstdint>

namespace httplib {
struct Request;
class TaskQueue;
}  // namespace httplib

namespace keyward::standin {

// The threads of a server, one connection each for as long as it is kept open.
// Numbers the connections of this process from 1.
httplib::TaskQueue* NewConnectionThreads(size_t threads);

// Of the connection that the calling thread serves; 0 elsewhere.
int64_t ConnectionNumber();

// How many requests the calling thread has counted on its connection with this
// one: 1, 2, …
int CountRequest();

// True when the TLS session of `request` was resumed.
bool TlsResumed(const httplib::Request& request);

// Sends TCP RST at once. Nothing more is received or sent on the connection.
// `request` must have come over TLS.
void ResetConnection(const httplib::Request& request);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_CONNECTION_H_
