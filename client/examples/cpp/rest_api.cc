#include "rest_api.h"

#include <curl/curl.h>

#include <memory>
#include <stdexcept>

namespace {

size_t Append(const char* data, size_t /*size*/, size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, count);
  return count;
}

}  // namespace

bool RestAnswer::SessionEnded() const {
  return status == 401 && body.find("\"Session expired or invalid\"") != std::string::npos;
}

std::string UrlEncoded(const std::string& value) {
  const std::unique_ptr<char, decltype(&curl_free)> encoded(
      curl_easy_escape(nullptr, value.data(), static_cast<int>(value.size())), &curl_free);
  return encoded ? encoded.get() : "";
}

RestAnswer HttpGet(const std::string& url, const std::string& access_token,
                   const std::string& ca_file) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 &curl_easy_cleanup);
  RestAnswer answer;
  // Redirects are not followed: they could take the token along.
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(curl.get(), CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
  curl_easy_setopt(curl.get(), CURLOPT_XOAUTH2_BEARER, access_token.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 30L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &Append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  if (!ca_file.empty()) curl_easy_setopt(curl.get(), CURLOPT_CAINFO, ca_file.c_str());
  if (const CURLcode code = curl_easy_perform(curl.get()); code != CURLE_OK) {
    throw std::runtime_error(url.substr(0, url.find('?')) + ": " + curl_easy_strerror(code));
  }
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}
