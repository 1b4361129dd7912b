// What the stand-in's two HTTP servers have in common.
#ifndef KEYWARD_TESTS_STANDIN_HTTP_H_
#define KEYWARD_TESTS_STANDIN_HTTP_H_

#include <httplib.h>

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace keyward::standin {

// The largest request body that either server reads.
inline constexpr size_t kMaxBodyBytes = size_t{64} << 10;

// How an error that no handler worded looks: Salesforce's array, or the
// administration's object.
enum class ErrorShape { kSalesforce, kAdministration };

// Bounds `server`: body size, connection reuse, time, threads. Bodies of
// unknown length and compressed ones are refused before they are read, because
// cpp-httplib applies its size limit to neither. Every error without a body of
// its own gets one in JSON.
void Configure(httplib::Server& server, ErrorShape shape, int keep_alive_seconds);

// Puts `body` as JSON into `response`.
void Answer(httplib::Response& response, int status, const nlohmann::json& body);

// "https://host:port" as the client addressed this server, by the Host header;
// the address it connected to when that header is absent or odd.
std::string OriginOf(const httplib::Request& request);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_HTTP_H_
