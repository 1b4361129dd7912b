#include "keystore/certificate/subject_alt_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace keyward {
namespace {

using ::testing::HasSubstr;

using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslDeleter<&GENERAL_NAMES_free>>;

using Kind = std::vector<std::string> SubjectAltNames::*;

absl::StatusOr<ExtensionPtr> Make(Kind kind, const std::string& value) {
  SubjectAltNames names;
  (names.*kind).push_back(value);
  return MakeSubjectAltNames(names, false);
}

// `value` becomes one name, whose octets are these.
void ExpectName(Kind kind, const std::string& value, int type, const std::string& octets) {
  const absl::StatusOr<ExtensionPtr> extension = Make(kind, value);
  ASSERT_TRUE(extension.ok()) << extension.status();
  const GeneralNamesPtr names(static_cast<GENERAL_NAMES*>(X509V3_EXT_d2i(extension->get())));
  ASSERT_NE(names, nullptr);
  ASSERT_EQ(sk_GENERAL_NAME_num(names.get()), 1);
  int actual_type = 0;
  const auto* text = static_cast<const ASN1_STRING*>(
      GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), 0), &actual_type));
  EXPECT_EQ(actual_type, type);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                        static_cast<size_t>(ASN1_STRING_length(text))),
            octets);
}

void ExpectRefused(Kind kind, const std::vector<std::string>& values, const std::string& says) {
  for (const std::string& value : values) {
    const absl::Status status = Make(kind, value).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << "\"" << value << "\" " << status;
    EXPECT_EQ(ReasonOf(status), "CSR_SAN_INVALID") << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(says));
    EXPECT_EQ(status.message().find('\n'), std::string::npos) << "unescaped";
  }
}

TEST(SubjectAltNamesTest, DnsNames) {
  const std::string longest = absl::StrCat(std::string(63, 'a'), ".", std::string(63, 'b'), ".",
                                           std::string(63, 'c'), ".", std::string(61, 'd'));
  for (const std::string& name :
       {std::string("localhost"), std::string("Acme.Example.com"), std::string("*.example.com"),
        std::string("xn--bcher-kva.example"), std::string("a_b.internal"), longest}) {
    ExpectName(&SubjectAltNames::dns, name, GEN_DNS, name);
  }
  ExpectRefused(&SubjectAltNames::dns,
                {"",
                 "a,DNS:evil.example",
                 "a\nDNS:evil.example",
                 "a.example\n",
                 " a",
                 "a b",
                 "a..b",
                 ".a",
                 "a.",
                 "-a",
                 "a-",
                 "*",
                 "*.",
                 "a.*.example",
                 "**.example",
                 "*a.example",
                 "b\xC3\xBC.example",
                 std::string("a\0b", 3),
                 std::string("a.example\0", 10),
                 std::string(64, 'a'),
                 longest + "d"},
                "the DNS name");
}

TEST(SubjectAltNamesTest, EmailAddresses) {
  const std::string longest_local = std::string(64, 'a') + "@example.com";
  for (const std::string& address :
       {std::string("keys@example.com"), std::string("first.last+tag@Sub.Example.com"),
        std::string("o'hara{x}@example.com"), longest_local}) {
    ExpectName(&SubjectAltNames::email, address, GEN_EMAIL, address);
  }
  ExpectRefused(&SubjectAltNames::email,
                {"",
                 "keys",
                 "@example.com",
                 "keys@",
                 "a@b@c",
                 "a,email:e@evil.example",
                 "a@b.example,email:e@evil.example",
                 "a\n@b.example",
                 "a@b.example\n",
                 "a b@c",
                 "\"a\"@b.example",
                 ".a@b",
                 "a.@b",
                 "a..b@c",
                 "a@-b",
                 "a@*.example",
                 "j\xC3\xBC@example.com",
                 std::string("a\0@b", 4),
                 "a" + longest_local,
                 "copy@example.com (Keys)",
                 "Keys <keys@example.com>"},
                "the email address");
}

TEST(SubjectAltNamesTest, Uris) {
  const std::string longest = "urn:" + std::string(2044, 'a');
  for (const std::string& uri : {std::string("spiffe://example.com/ns/prod,x=1/acme"),
                                 std::string("https://[2001:db8::1]:8443/?q#f"),
                                 std::string("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
                                 std::string("https://user@example.com/a%20b;c='d'"), longest}) {
    ExpectName(&SubjectAltNames::uri, uri, GEN_URI, uri);
  }
  ExpectRefused(&SubjectAltNames::uri,
                {"",
                 "example.com",
                 "/path",
                 "//host/path",
                 ":x",
                 "1a:x",
                 "a_b:x",
                 "http:",
                 "http://",
                 "http:///path",
                 "http://?q",
                 "https://a b",
                 "https://a\n",
                 "https://a\nURI:b",
                 "https://a/%2",
                 "https://a/%zz",
                 "https://a/\"b\"",
                 "https://a/<b>",
                 "https://b\xC3\xBC.example",
                 std::string("https://a\0", 10),
                 longest + "a"},
                "the URI");
}

TEST(SubjectAltNamesTest, IpAddresses) {
  ExpectName(&SubjectAltNames::ip, "192.0.2.7", GEN_IPADD, std::string("\xC0\0\x02\x07", 4));
  const std::string v6("\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x07", 16);
  ExpectName(&SubjectAltNames::ip, "2001:db8::7", GEN_IPADD, v6);
  ExpectName(&SubjectAltNames::ip, "2001:0DB8:0:0:0:0:0:7", GEN_IPADD, v6);
  ExpectName(&SubjectAltNames::ip, "0.0.0.0", GEN_IPADD, std::string(4, '\0'));
  ExpectRefused(
      &SubjectAltNames::ip,
      {"", "192.0.2", "192.0.2.256", "192.0.2.07x", "192.0.2.0/24", " 192.0.2.7", "192.0.2.7\n",
       "192.0.2.7,IP:10.0.0.1", "2001:db8::7/64", "2001:db8:::7", "fe80::1%eth0", "[::1]",
       "localhost", "0x7f.1", std::string("192.0.2.7\0", 10), std::string("192.0.2.7\0x", 11)},
      "the IP address");
}

TEST(SubjectAltNamesTest, AreAtMostAHundred) {
  SubjectAltNames names;
  for (size_t i = 0; i < kMaxSubjectAltNames; ++i) names.dns.push_back(absl::StrCat("h", i));
  EXPECT_TRUE(MakeSubjectAltNames(names, false).ok());
  names.ip.push_back("192.0.2.7");
  const absl::Status status = MakeSubjectAltNames(names, false).status();
  EXPECT_EQ(ReasonOf(status), "CSR_SAN_INVALID") << status;
}

TEST(SubjectAltNamesTest, AreCriticalWhenAsked) {
  const SubjectAltNames names{.dns = {"a"}};
  EXPECT_EQ(X509_EXTENSION_get_critical(MakeSubjectAltNames(names, true)->get()), 1);
  EXPECT_EQ(X509_EXTENSION_get_critical(MakeSubjectAltNames(names, false)->get()), 0);
}

}  // namespace
}  // namespace keyward
