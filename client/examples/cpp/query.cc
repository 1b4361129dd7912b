// Runs SOQL queries, a line each, in the Salesforce org of a connection, and prints each
// answer as a line of JSON:
//
//   echo 'SELECT Id, Name FROM Organization' | build/query acme
//
// README.md says what it needs in its environment.
#include <curl/curl.h>

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include "access_tokens.h"
#include "rest_api.h"

namespace {

constexpr char kQueryPath[] = "/services/data/v62.0/query?q=";

std::string Setting(const char* name) {
  const char* value = getenv(name);
  if (value == nullptr || *value == '\0') throw std::runtime_error(std::string("set ") + name);
  return value;
}

// Salesforce may end a session at any time, so a token is renewed once. What is refused
// with a new token, too, is refused for another cause.
RestAnswer Get(const AccessTokens& tokens, const std::string& connection, const std::string& path) {
  const char* ca_file = getenv("KEYWARD_HTTPS_CA");
  const auto send = [&](const keyward::v1::ExchangeResponse& token) {
    return HttpGet(token.instance_url() + path, token.access_token(), ca_file ? ca_file : "");
  };
  const keyward::v1::ExchangeResponse token = tokens.Get(connection);
  RestAnswer answer = send(token);
  if (answer.SessionEnded()) answer = send(tokens.Get(connection, token.access_token()));
  return answer;
}

void Query(const AccessTokens& tokens, const std::string& connection, const std::string& query) {
  const RestAnswer answer = Get(tokens, connection, kQueryPath + UrlEncoded(query));
  if (answer.status != 200) {
    throw std::runtime_error("Salesforce answered " + std::to_string(answer.status) + " " +
                             answer.body);
  }
  std::cout << answer.body << std::endl;
}

int Main(const std::string& connection) {
  const AccessTokens tokens({Setting("KEYWARD_EXCHANGE"), Setting("KEYWARD_CA"),
                             Setting("KEYWARD_CERTIFICATE"), Setting("KEYWARD_PRIVATE_KEY")});
  int exit_code = 0;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      Query(tokens, connection, line);
    } catch (const std::runtime_error& error) {
      std::cerr << "query: " << error.what() << std::endl;
      exit_code = 1;
    }
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: query CONNECTION\n";
    return 2;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  try {
    return Main(argv[1]);
  } catch (const std::runtime_error& error) {
    std::cerr << "query: " << error.what() << "\n";
    return 2;
  }
}
