#include "signer/policy_warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyward::signer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

AuthorizationPolicy Policy(absl::string_view yaml) {
  auto policy = AuthorizationPolicy::Parse(yaml, "p");
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *std::move(policy);
}

std::vector<std::string> Warnings(absl::string_view yaml) { return Policy(yaml).warnings(); }

TEST(PolicyWarningsTest, ARoleThatAnotherCoversChangesNothing) {
  EXPECT_THAT(
      Warnings(R"(roles:
  - {name: narrow, identities: ["cn:a", "spiffe://a/b/c", "dns:x.example.com"], connections: [acme, "eu-1*"], operations: [sign]}
  - {name: wide, identities: ["cn:a", "spiffe://a/b/*", "dns:*.example.com"], connections: [acme, "eu-*"], operations: [view, sign]}
  - {name: subjects, identities: ["cn:a"], connections: [acme], operations: [sign], subjects: ["a@x.example"]}
  - {name: same, identities: ["cn:z"], connections: ["*"], operations: [sign]}
  - {name: again, identities: ["cn:z"], connections: ["*"], operations: [sign]}
  - {name: users, identities: ["cn:u"], connections: [acme], operations: [exchange], subjects: ["*.it@x.example"]}
  - {name: fewer, identities: ["cn:u"], connections: [acme], operations: [exchange], subjects: ["b.it@x.example", "a*.it@x.example"]}
  - {name: deny, effect: deny, identities: ["*"], connections: ["q*"], operations: ["*"]}
  - {name: deny2, effect: deny, identities: ["cn:q"], connections: ["qq"], operations: ["view"]}
)"),
      ElementsAre(
          "p:2: the role narrow changes nothing: the role wide in line 3 allows all of it",
          "p:4: the role subjects changes nothing: the role narrow in line 2 allows all of it",
          "p:6: the role again changes nothing: the role same in line 5 allows all of it",
          "p:8: the role fewer changes nothing: the role users in line 7 allows all of it",
          "p:10: the role deny2 changes nothing: the role deny in line 9 denies all of it"));
}

TEST(PolicyWarningsTest, RolesThatOnlyOverlapAreNoMatter) {
  EXPECT_THAT(Warnings(R"(roles:
  - {name: a, identities: ["cn:a", "cn:b"], connections: ["eu-*"], operations: [sign]}
  - {name: b, identities: ["cn:a"], connections: ["*"], operations: [view]}
  - {name: c, identities: ["cn:a"], connections: ["e*"], operations: [sign], subjects: ["*@x.example"]}
  - {name: d, identities: ["cn:a"], connections: ["eu-1"], operations: [sign, rotate]}
  - {name: e, identities: ["cn:c", "cn:a"], connections: ["eu-1"], operations: [sign]}
  - {name: f, identities: ["spiffe://a/b/*"], connections: ["acme"], operations: [sign]}
  - {name: g, identities: ["spiffe://a/b/c/*", "spiffe://a/*"], connections: ["acme"], operations: [sign]}
  - {name: h, effect: deny, identities: ["cn:a"], connections: ["eu-12*", "us-*"], operations: [sign]}
  - {name: i, effect: deny, identities: ["cn:b", "cn:x"], connections: ["*"], operations: [rotate]}
  - {name: j, effect: deny, identities: ["*"], connections: ["*"], operations: [sign], subjects: ["boss@x.example"]}
  - {name: k, effect: deny, identities: ["cn:a"], connections: ["*"], operations: [sign], subjects: ["*b@x.example"]}
)"),
              IsEmpty());
}

TEST(PolicyWarningsTest, WhatADenyTakesAwayHasNoEffect) {
  EXPECT_THAT(
      Warnings(R"(roles:
  - {name: gone, identities: ["cn:a"], connections: [acme], operations: [sign]}
  - name: partly
    identities:
      - "cn:b"
      - "spiffe://a/x/*"
    connections:
      - acme
      - closed
    operations:
      - view
      - rotate
  - {name: no-a, effect: deny, identities: ["cn:a"], connections: ["*"], operations: [sign]}
  - {name: no-b, effect: deny, identities: ["cn:b"], connections: ["*"], operations: ["*"]}
  - {name: no-closed, effect: deny, identities: ["*"], connections: ["clos*"], operations: [view, rotate]}
  - {name: no-rotate, effect: deny, identities: ["*"], connections: ["*"], operations: [rotate]}
)"),
      ElementsAre(
          "p:2: the role gone allows nothing: the role no-a in line 13 denies all of it",
          "p:5: \"cn:b\" has no effect in the role partly: the role no-b in line 14 denies it",
          "p:9: \"closed\" has no effect in the role partly: the role no-closed in line 15 "
          "denies it",
          "p:12: \"rotate\" has no effect in the role partly: the role no-rotate in line 16 "
          "denies it"));
}

TEST(PolicyWarningsTest, ADenyOfSomeSubjectsTakesOnlyThoseAway) {
  EXPECT_THAT(
      Warnings(R"(roles:
  - {name: all, identities: ["cn:a"], connections: [acme], operations: [sign]}
  - {name: it, identities: ["cn:b"], connections: [acme], operations: [sign], subjects: ["a.it@x.example"]}
  - {name: no-it, effect: deny, identities: ["*"], connections: ["*"], operations: [sign], subjects: ["*.it@x.example"]}
)"),
      ElementsAre("p:3: the role it allows nothing: the role no-it in line 4 denies all of it"));
}

TEST(PolicyWarningsTest, AQuotaBehindAWiderOneNeverCounts) {
  EXPECT_THAT(
      Warnings(R"(quotas:
  - {name: a, identities: ["cn:a", "spiffe://a/*"], per_second: 1, burst: 1}
  - {name: b, identities: ["cn:a", "spiffe://a/b"], per_second: 1, burst: 1}
  - {name: c, identities: ["cn:a", "cn:c"], per_second: 1, burst: 1}
  - {name: d, connections: ["eu-*"], per_second: 1, burst: 1}
  - {name: e, connections: ["eu-1", "eu-2*"], per_second: 1, burst: 1}
  - {name: f, connections: ["*"], per_second: 1, burst: 1}
  - {name: g, identities: ["*"], per_second: 1, burst: 1}
  - {name: h, identities: ["dns:*.example"], per_second: 1, burst: 1}
)"),
      ElementsAre("p:3: the quota b never counts: the quotas above it have all of its identities",
                  "p:6: the quota e never counts: the quotas above it have all of its connections",
                  "p:9: the quota h never counts: the quotas above it have all of its identities"));
}

TEST(PolicyWarningsTest, NobodyApprovesWhereOnlyOneMay) {
  constexpr char kAlone[] = R"(roles:
  - {name: a, identities: ["cn:a"], connections: ["eu-*", acme], operations: [destroy, activate]}
  - {name: b, identities: ["cn:b"], connections: [acme, "us-*"], operations: [destroy]}
  - {name: c, identities: ["cn:a"], connections: ["*"], operations: [manage-connections]}
  - {name: d, identities: ["dns:*.example"], connections: ["eu-1*"], operations: [activate]}
approvals:
  required:
    - destroy
    - activate
    - thaw
    - adopt
)";
  EXPECT_THAT(
      Warnings(kAlone),
      ElementsAre(
          "p:8: \"destroy\": nobody can approve it for the connection \"eu-*\", for only cn:a "
          "has the operation destroy there: give it to a second identity",
          "p:9: \"activate\": nobody can approve it for the connection \"acme\", for only "
          "cn:a has the operation activate there: give it to a second identity",
          "p:10: \"thaw\": nobody can approve it for the connection \"*\", for only cn:a has "
          "the operation manage-connections there: give it to a second identity"));
  EXPECT_THAT(Warnings(R"(roles:
  - {name: a, identities: ["cn:a", "cn:b"], connections: ["*"], operations: [destroy]}
  - {name: b, identities: ["spiffe://a/ops/*"], connections: ["*"], operations: [adopt]}
  - {name: c, identities: ["cn:c"], connections: ["eu-*"], operations: [activate]}
  - {name: d, identities: ["cn:d"], connections: ["eu-1"], operations: [activate]}
  - {name: e, identities: ["cn:e"], connections: ["eu-1"], operations: [activate]}
approvals: {required: [destroy, adopt, activate, subjects]}
)"),
              IsEmpty());
}

TEST(PolicyWarningsTest, IdentitiesOfUnusedKindsAreNobodys) {
  const AuthorizationPolicy policy = Policy(R"(roles:
  - {name: a, identities: ["cn:a", "spiffe://a/*"], connections: ["*"], operations: [sign]}
  - {name: b, effect: deny, identities: ["*", "dns:*.example"], connections: ["x*"], operations: [view]}
quotas:
  - {name: q, identities: ["cn:q", "*"], per_second: 1, burst: 1}
)");
  EXPECT_THAT(UnusedKindWarnings(policy, {}, "p"), IsEmpty());
  EXPECT_THAT(
      UnusedKindWarnings(policy, {.spiffe = true, .dns = false, .common_name = false}, "p"),
      ElementsAre("p:2: \"cn:a\" is never anybody's identity: cn is not among identity.kinds",
                  "p:3: \"dns:*.example\" is never anybody's identity: dns is not among "
                  "identity.kinds",
                  "p:5: \"cn:q\" is never anybody's identity: cn is not among identity.kinds"));
}

}  // namespace
}  // namespace keyward::signer
