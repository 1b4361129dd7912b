#include "signer/caller_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace keyward::signer {
namespace {

using ::testing::HasSubstr;

std::string IdentityOf(const PeerCertificate& certificate) {
  const auto identity = CallerIdentity(certificate);
  return identity.ok() ? *identity : std::string(identity.status().message());
}

void ExpectRefused(const PeerCertificate& certificate) {
  const auto identity = CallerIdentity(certificate);
  ASSERT_FALSE(identity.ok()) << *identity;
  EXPECT_EQ(identity.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(identity.status()), "CLIENT_IDENTITY_INVALID");
}

TEST(CallerIdentityTest, TakesTheUriThenTheDnsNameThenTheCommonName) {
  EXPECT_EQ(IdentityOf({{"spiffe://a.example/b"}, {"host.example"}, {"Someone"}}),
            "spiffe://a.example/b");
  EXPECT_EQ(IdentityOf({{}, {"host.example"}, {"Someone"}}), "dns:host.example");
  EXPECT_EQ(IdentityOf({{}, {}, {"Someone"}}), "cn:Someone");
  EXPECT_EQ(IdentityOf({{"spiffe://a.example/b"}, {"one.example", "two.example"}, {}}),
            "spiffe://a.example/b");
}

TEST(CallerIdentityTest, UrisOfOtherSchemesDoNotCount) {
  EXPECT_EQ(IdentityOf({{"https://host.example/x"}, {"host.example"}, {}}), "dns:host.example");
  EXPECT_EQ(IdentityOf({{"spiffed://host.example/x"}, {}, {"Someone"}}), "cn:Someone");
}

TEST(CallerIdentityTest, DnsNamesAreWrittenInLowerCase) {
  EXPECT_EQ(IdentityOf({{}, {"Host-1.EXAMPLE"}, {}}), "dns:host-1.example");
}

TEST(CallerIdentityTest, OneKindDecidesWithOneName) {
  ExpectRefused({{"spiffe://a/b", "spiffe://a/c"}, {"host.example"}, {}});
  ExpectRefused({{"spiffe://a/b", "https://a/c"}, {"host.example"}, {}});
  ExpectRefused({{"https://a/b", "https://a/c"}, {"host.example"}, {}});
  ExpectRefused({{}, {"a.example", "b.example"}, {"Someone"}});
  ExpectRefused({{}, {}, {"Someone", "Else"}});
  ExpectRefused({});
}

// A malformed name that decides must not give way to a weaker one.
TEST(CallerIdentityTest, RefusesMalformedSpiffeIds) {
  for (const std::string& uri :
       std::vector<std::string>{"spiffe:",
                                "spiffe:/",
                                "spiffe://",
                                "spiffe:///b",
                                "spiffe://a",
                                "spiffe://a/",
                                "spiffe://a//b",
                                "spiffe://a/b/",
                                "spiffe://a/b//c",
                                "spiffe://a/.",
                                "spiffe://a/../b",
                                "spiffe://a/b/..",
                                "SPIFFE://a/b",
                                "Spiffe://a/b",
                                "spiffe://A/b",
                                "spiffe://a:443/b",
                                "spiffe://u@a/b",
                                "spiffe://a/b?c",
                                "spiffe://a/b#c",
                                "spiffe://a/b%20c",
                                "spiffe://a/b c",
                                "spiffe://a/b*",
                                "spiffe://a/*",
                                "spiffe://*/b",
                                "spiffe://a/\xC3\xBC",
                                "spiffe://\xC3\xBC/b",
                                "spiffe://a/b\n",
                                std::string("spiffe://a/b\0", 13),
                                std::string("spiffe://a/b\0c", 14),
                                std::string("spiffe://a\0/b", 13),
                                absl::StrCat("spiffe://", std::string(256, 'a'), "/b"),
                                absl::StrCat("spiffe://a/", std::string(2038, 'b'))}) {
    SCOPED_TRACE(uri);
    ExpectRefused({{uri}, {"host.example"}, {"Someone"}});
  }
}

TEST(CallerIdentityTest, AcceptsSpiffeIdsUpToTheirLimits) {
  for (const std::string& uri : {std::string("spiffe://a-b_c.9/X.y-z_0/..."),
                                 absl::StrCat("spiffe://", std::string(255, 'a'), "/b"),
                                 absl::StrCat("spiffe://a/", std::string(2037, 'b'))}) {
    EXPECT_EQ(IdentityOf({{uri}, {}, {}}), uri);
  }
}

TEST(CallerIdentityTest, RefusesMalformedDnsNames) {
  const std::string label(63, 'a');
  for (const std::string& name : std::vector<std::string>{
           "", ".", ".a", "a.", "a..b", "*.example.com", "a*.example.com", "-a.example",
           "a-.example", "a b.example", "a\tb", "a/b", "a:b", "\xC3\xBC.example",
           std::string("a\0.example", 10), std::string("host.example\0", 13), label + "a.example",
           absl::StrCat(label, ".", label, ".", label, ".", std::string(62, 'a'))}) {
    SCOPED_TRACE(name);
    ExpectRefused({{}, {name}, {"Someone"}});
  }
  const std::string longest =
      absl::StrCat(label, ".", label, ".", label, ".", std::string(61, 'a'));
  EXPECT_EQ(IdentityOf({{}, {longest}, {}}), "dns:" + longest);
}

TEST(CallerIdentityTest, RefusesMalformedCommonNames) {
  for (const std::string& name : std::vector<std::string>{
           "", "a\nb", "a\x7f", "a\xC2\x85", "a\xFF", std::string("operator\0", 9),
           std::string("a\0b", 3), std::string(256, 'a')}) {
    SCOPED_TRACE(name);
    ExpectRefused({{}, {}, {name}});
  }
  EXPECT_EQ(IdentityOf({{}, {}, {"J\xC3\xBCrgen Example"}}), "cn:J\xC3\xBCrgen Example");
  EXPECT_EQ(IdentityOf({{}, {}, {std::string(255, 'a')}}), "cn:" + std::string(255, 'a'));
}

TEST(CallerIdentityTest, ARefusalShowsTheNameEscapedAndShort) {
  EXPECT_THAT(IdentityOf({{}, {}, {"a\nb"}}), HasSubstr(R"("a\nb")"));
  EXPECT_LT(IdentityOf({{"spiffe://" + std::string(100000, 'a')}, {}, {}}).size(), 300U);
}

std::string IdentityBy(const IdentityKinds& kinds, const PeerCertificate& certificate) {
  const auto identity = CallerIdentity(certificate, kinds);
  return identity.ok() ? *identity : std::string(identity.status().message());
}

TEST(CallerIdentityTest, KindsThatAreNotListedDoNotCount) {
  const PeerCertificate named = {{}, {"host.example"}, {"Someone"}};
  EXPECT_EQ(IdentityBy({.dns = false}, named), "cn:Someone");
  EXPECT_EQ(IdentityBy({.spiffe = false}, named), "dns:host.example");
  EXPECT_EQ(IdentityBy({.dns = false, .common_name = false}, named),
            "use another client certificate: this one has no SPIFFE ID");
  EXPECT_EQ(IdentityBy({.common_name = false}, {{}, {}, {"Someone"}}),
            "use another client certificate: this one has no SPIFFE ID or DNS name");
  // As if it had none of that kind: neither two of them nor a malformed one matter.
  EXPECT_EQ(IdentityBy({.dns = false}, {{}, {"a.example", "*"}, {"Someone"}}), "cn:Someone");
  EXPECT_EQ(IdentityBy({.spiffe = false}, {{"https://a/b", "https://a/c"}, {"host.example"}, {}}),
            "dns:host.example");
}

TEST(CallerIdentityTest, ASpiffeIdIsNeverPassedOverForAWeakerName) {
  for (const std::vector<std::string>& uris : {std::vector<std::string>{"spiffe://a/b"},
                                               {"SPIFFE://a/b"},
                                               {"https://a/b", "spiffe://a"}}) {
    EXPECT_THAT(IdentityBy({.spiffe = false}, {uris, {"host.example"}, {"Someone"}}),
                HasSubstr("has a SPIFFE ID"));
  }
}

TEST(ParseIdentityKindsTest, TakesAListOfKinds) {
  const auto kinds = ParseIdentityKinds({"cn", "spiffe"});
  ASSERT_TRUE(kinds.ok()) << kinds.status();
  EXPECT_TRUE(kinds->spiffe && kinds->common_name && !kinds->dns);
  const auto mistake = [](const std::vector<std::string>& names) {
    return std::string(ParseIdentityKinds(names).status().message());
  };
  EXPECT_EQ(mistake({}), "must list spiffe, dns or cn");
  EXPECT_EQ(mistake({"dns", "uri"}), "may list spiffe, dns and cn, not \"uri\"");
  EXPECT_EQ(mistake({"DNS"}), "may list spiffe, dns and cn, not \"DNS\"");
  EXPECT_EQ(mistake({"dns", "dns"}), "lists dns twice");
}

TEST(CheckIdentityTest, TakesWhatCallerIdentityWrites) {
  const std::string label(63, 'a');
  for (const std::string& identity : std::vector<std::string>{
           "spiffe://keyward.example/backend", absl::StrCat("spiffe://a/", std::string(2037, 'b')),
           "dns:shop.example", "dns:localhost",
           absl::StrCat("dns:", label, ".", label, ".", label, ".", std::string(61, 'a')),
           "cn:operator", "cn:J\xC3\xBCrgen *", "cn:dns:shop.example", "cn:spiffe://",
           absl::StrCat("cn:", std::string(255, 'a'))}) {
    EXPECT_TRUE(CheckIdentity(identity).ok()) << identity;
  }
}

TEST(CheckIdentityTest, RefusesEverythingElse) {
  for (const std::string& identity :
       std::vector<std::string>{"",
                                "backend",
                                "cn:",
                                "dns:",
                                "spiffe://",
                                "spiffe://keyward.example",
                                "spiffe://keyward.example/",
                                "spiffe://keyward.example/*",
                                "SPIFFE://a/b",
                                "CN:operator",
                                "DNS:shop.example",
                                "dns:Shop.example",
                                "dns:*.example",
                                "dns:shop.example.",
                                "dns:dns:shop.example",
                                "https://keyward.example/backend",
                                " cn:operator",
                                "cn:a\nb",
                                "cn:a\xC2\x85",
                                "cn:\xFF",
                                std::string("cn:a\0b", 6),
                                "uri:spiffe://a/b",
                                absl::StrCat("spiffe://a/", std::string(2038, 'b')),
                                absl::StrCat("cn:", std::string(256, 'a')),
                                absl::StrCat("cn:", std::string(100000, 'a'))}) {
    EXPECT_FALSE(CheckIdentity(identity).ok()) << identity;
  }
}

}  // namespace
}  // namespace keyward::signer
