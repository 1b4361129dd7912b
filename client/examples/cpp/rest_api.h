// Salesforce's REST API with a bearer token, through libcurl.
#ifndef REST_API_H_
#define REST_API_H_

#include <string>

struct RestAnswer {
  long status = 0;  // NOLINT(google-runtime-int): libcurl's type
  std::string body;

  // Whether another access token cures it. Other kinds of 401 are not cured so, though
  // they may have the same code: "This session is not valid for use with the REST API".
  bool SessionEnded() const;
};

// `value` as a value in a query string.
std::string UrlEncoded(const std::string& value);

// GETs `url`. `ca_file` replaces the system's CAs where it is not empty. Throws
// std::runtime_error where there is no answer.
RestAnswer HttpGet(const std::string& url, const std::string& access_token,
                   const std::string& ca_file);

#endif  // REST_API_H_
