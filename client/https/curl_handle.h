// libcurl's objects as move-only handles. Internal to client/https.
#ifndef KEYWARD_CLIENT_HTTPS_CURL_HANDLE_H_
#define KEYWARD_CLIENT_HTTPS_CURL_HANDLE_H_

#include <curl/curl.h>

#include <memory>

namespace keyward::client {

struct CurlDeleter {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(char* text) const { curl_free(text); }
};

using CurlPtr = std::unique_ptr<CURL, CurlDeleter>;
using CurlUrlPtr = std::unique_ptr<CURLU, CurlDeleter>;
using CurlTextPtr = std::unique_ptr<char, CurlDeleter>;

// What libcurl's variadic calls read and write.
using CurlLong = long;  // NOLINT(google-runtime-int)

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_HTTPS_CURL_HANDLE_H_
