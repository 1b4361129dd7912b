// What the client is made of, without a network.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "client/https/address_range.h"
#include "client/https/answer_headers.h"
#include "client/https/proxy.h"
#include "client/https/public_address.h"
#include "common/error.h"

namespace keyward::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

bool IsPublic(const std::string& text) {
  sockaddr_in v4{.sin_family = AF_INET};
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    return IsPublicAddress(reinterpret_cast<const sockaddr*>(&v4), sizeof(v4));
  }
  sockaddr_in6 v6{.sin6_family = AF_INET6};
  EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
  return IsPublicAddress(reinterpret_cast<const sockaddr*>(&v6), sizeof(v6));
}

TEST(PublicAddressTest, TellsThemApart) {
  for (const char* address :
       {"1.1.1.1",         "8.8.8.8",         "9.255.255.255",   "11.0.0.0",
        "100.63.255.255",  "100.128.0.0",     "126.255.255.255", "128.0.0.0",
        "169.253.255.255", "169.255.0.0",     "172.15.255.255",  "172.32.0.0",
        "192.0.1.0",       "192.167.255.255", "192.169.0.0",     "198.17.255.255",
        "198.20.0.0",      "203.0.112.255",   "223.255.255.255", "2606:4700::1111",
        "2a00::1",         "2001:200::1",     "::ffff:8.8.8.8",  "64:ff9b::8.8.8.8",
        "2002:808:808::1"}) {
    EXPECT_TRUE(IsPublic(address)) << address;
  }
  for (const char* address : {"0.0.0.0",
                              "0.255.255.255",
                              "10.0.0.0",
                              "10.255.255.255",
                              "100.64.0.0",
                              "100.127.255.255",
                              "127.0.0.1",
                              "127.255.255.255",
                              "169.254.0.0",
                              "169.254.169.254",
                              "172.16.0.0",
                              "172.31.255.255",
                              "192.0.0.1",
                              "192.0.2.1",
                              "192.88.99.1",
                              "192.168.0.0",
                              "192.168.255.255",
                              "198.18.0.0",
                              "198.19.255.255",
                              "198.51.100.1",
                              "203.0.113.255",
                              "224.0.0.1",
                              "239.255.255.255",
                              "240.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "::127.0.0.1",
                              "::ffff:127.0.0.1",
                              "::ffff:10.0.0.1",
                              "::ffff:169.254.169.254",
                              "64:ff9b::127.0.0.1",
                              "64:ff9b::192.168.1.1",
                              "64:ff9b:1::1",
                              "2002:7f00:1::",
                              "2002:a00:1::1",
                              "2002:c0a8:101::1",
                              "fc00::1",
                              "fd00:ec2::254",
                              "fe80::1",
                              "febf::1",
                              "fec0::1",
                              "ff02::1",
                              "100::1",
                              "2001::1",
                              "2001:1ff::1",
                              "2001:db8::1",
                              "3fff::1",
                              "4000::1",
                              "1fff::1"}) {
    EXPECT_FALSE(IsPublic(address)) << address;
  }
}

TEST(PublicAddressTest, OtherFamiliesAndCutAddressesAreNotPublic) {
  sockaddr_in v4{.sin_family = AF_INET};
  ASSERT_EQ(inet_pton(AF_INET, "8.8.8.8", &v4.sin_addr), 1);
  const auto* address = reinterpret_cast<sockaddr*>(&v4);
  EXPECT_TRUE(IsPublicAddress(address, sizeof(v4)));
  EXPECT_FALSE(IsPublicAddress(address, 4));
  v4.sin_family = AF_UNIX;
  EXPECT_FALSE(IsPublicAddress(address, sizeof(v4)));
}

TEST(AddressRangeTest, ReadsAddressesAndRanges) {
  EXPECT_TRUE(IsInRange("10.1.2.3", "10.1.2.3"));
  EXPECT_TRUE(IsInRange("10.1.2.3", "10.0.0.0/8"));
  EXPECT_TRUE(IsInRange("10.1.2.3", "0.0.0.0/0"));
  EXPECT_TRUE(IsInRange("10.1.2.3", "10.1.2.2/31"));
  EXPECT_TRUE(IsInRange("::1", "[::1]"));
  EXPECT_TRUE(IsInRange("fe80::1", "fe80::/10"));
  EXPECT_FALSE(IsInRange("10.1.2.4", "10.1.2.3"));
  EXPECT_FALSE(IsInRange("11.1.2.3", "10.0.0.0/8"));
  EXPECT_FALSE(IsInRange("::1", "0.0.0.0/0"));
  for (const char* range : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8",
                            "10/8", "x", "[::1", "10.0.0.0/8x"}) {
    EXPECT_FALSE(IsInRange("10.0.0.0", range)) << range;
  }
}

using Variables = std::map<std::string, std::string>;

absl::StatusOr<ProxyChoice> Choose(const std::optional<std::string>& option,
                                   const Variables& variables = {}) {
  return ProxyChoice::New(option, [variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? "" : found->second;
  });
}

std::string Origin(const ProxyChoice& choice, const std::string& host = "login.salesforce.com") {
  const Proxy* proxy = choice.For(host);
  return proxy == nullptr ? "direct" : proxy->origin;
}

TEST(ProxyChoiceTest, AnOptionIsForAllHosts) {
  const Variables variables = {{"https_proxy", "http://other:1"}, {"no_proxy", "*"}};
  EXPECT_EQ(Origin(Choose("", variables).value()), "direct");
  EXPECT_EQ(Origin(Choose("http://proxy:3128", variables).value()), "http://proxy:3128");
  EXPECT_EQ(Origin(Choose("https://proxy").value()), "https://proxy:443");
  EXPECT_EQ(Origin(Choose("proxy").value()), "http://proxy:1080");
  EXPECT_EQ(Origin(Choose("http://[::1]:3128").value()), "http://[::1]:3128");
  const auto choice = Choose("http://us%40er:p%3Aw%20@proxy:3128").value();
  EXPECT_EQ(Origin(choice), "http://proxy:3128");
  EXPECT_EQ(choice.For("x")->user.Expose(), "us@er");
  EXPECT_EQ(choice.For("x")->password.Expose(), "p:w ");
}

TEST(ProxyChoiceTest, WithoutAnOptionTheVariablesCount) {
  EXPECT_EQ(Origin(Choose(std::nullopt).value()), "direct");
  Variables variables = {{"ALL_PROXY", "http://d:1"}, {"http_proxy", "http://never:1"}};
  EXPECT_EQ(Origin(Choose(std::nullopt, variables).value()), "http://d:1");
  variables["all_proxy"] = "http://c:1";
  EXPECT_EQ(Origin(Choose(std::nullopt, variables).value()), "http://c:1");
  variables["HTTPS_PROXY"] = "http://b:1";
  EXPECT_EQ(Origin(Choose(std::nullopt, variables).value()), "http://b:1");
  variables["https_proxy"] = "http://a:1";
  EXPECT_EQ(Origin(Choose(std::nullopt, variables).value()), "http://a:1");
}

TEST(ProxyChoiceTest, NoProxyNamesHostsDomainsAndRanges) {
  const auto direct = [](const std::string& no_proxy, const std::string& host) {
    return Origin(Choose(std::nullopt, {{"https_proxy", "http://p:1"}, {"no_proxy", no_proxy}})
                      .value(),
                  host) == "direct";
  };
  EXPECT_TRUE(direct("*", "a.example"));
  EXPECT_TRUE(direct("x, Example", "a.example"));
  EXPECT_TRUE(direct(".a.example", "a.example"));
  EXPECT_TRUE(direct("a.example.", "a.example"));
  EXPECT_TRUE(direct("10.0.0.0/8 ::1", "10.1.1.1"));
  EXPECT_TRUE(direct("10.0.0.0/8 ::1", "::1"));
  EXPECT_FALSE(direct("", "a.example"));
  EXPECT_FALSE(direct("xample", "a.example"));
  EXPECT_FALSE(direct("b.a.example,.", "a.example"));
  EXPECT_FALSE(direct("1.1.1", "10.1.1.1"));
  EXPECT_FALSE(direct("10.0.0.0/8", "a.example"));
}

TEST(ProxyChoiceTest, WhatIsNotAProxyIsRefusedAndNotShown) {
  for (const std::string url : {"socks5://user:s3cret@proxy:1", "socks4://user:s3cret@proxy",
                                "ftp://user:s3cret@proxy", "http://user:s3cret@", "http://",
                                "http://user:s3cret@proxy:x", "http://user:s3cret@pr oxy"}) {
    for (const auto& choice : {Choose(url), Choose(std::nullopt, {{"HTTPS_PROXY", url}})}) {
      EXPECT_EQ(ReasonOf(choice.status()), "OPTIONS_INVALID") << url;
      EXPECT_THAT(choice.status().ToString(), Not(HasSubstr("s3cret")));
    }
  }
}

constexpr int kNow = 3600;

std::optional<absl::Duration> RetryAfter(const std::string& value, const std::string& date = "") {
  AnswerHeaders headers;
  EXPECT_TRUE(headers.Add("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_TRUE(date.empty() || headers.Add("Date: " + date + "\r\n"));
  EXPECT_TRUE(headers.Add("retry-AFTER: " + value + "\r\n"));
  EXPECT_TRUE(headers.Add("\r\n"));
  return headers.RetryAfter(absl::FromUnixSeconds(kNow));
}

TEST(AnswerHeadersTest, RetryAfterIsSecondsOrADate) {
  EXPECT_EQ(RetryAfter("120"), absl::Seconds(120));
  EXPECT_EQ(RetryAfter(" 0 "), absl::ZeroDuration());
  EXPECT_EQ(RetryAfter("Thu, 01 Jan 1970 01:02:00 GMT"), absl::Minutes(2));
  EXPECT_EQ(RetryAfter("Thu, 01 Jan 1970 00:02:00 GMT"), absl::ZeroDuration());
  EXPECT_EQ(RetryAfter("Sunday, 06-Nov-94 08:50:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"),
            absl::Minutes(1));
  EXPECT_EQ(RetryAfter("Sun Nov  6 08:50:37 1994", "Sun, 06 Nov 1994 08:49:37 GMT"),
            absl::Minutes(1));
  for (const char* value : {"", "-1", "+1", "1.5", "soon", "99999999999999999999", "1 hour ago"}) {
    EXPECT_EQ(RetryAfter(value), std::nullopt) << value;
  }
}

TEST(AnswerHeadersTest, InformationalAnswersDoNotCount) {
  AnswerHeaders headers;
  for (const char* line : {"HTTP/1.1 103 Early Hints\r\n", "Retry-After: 7\r\n",
                           "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "\r\n", "HTTP/1.1 200\r\n"}) {
    EXPECT_TRUE(headers.Add(line));
  }
  EXPECT_EQ(headers.RetryAfter(absl::FromUnixSeconds(kNow)), std::nullopt);
  EXPECT_EQ(headers.date(), std::nullopt);
}

TEST(AnswerHeadersTest, TheyEnd) {
  AnswerHeaders headers;
  EXPECT_TRUE(headers.Add(std::string(60 << 10, 'x')));
  EXPECT_FALSE(headers.Add(std::string(5 << 10, 'x')));
}

}  // namespace
}  // namespace keyward::client
