// Chains that come with an imported certificate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <deque>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "keystore/certificate/imported_certificate.h"
#include "tests/keystore/certificate/test_ca.h"

namespace keyward {
namespace {

using testing::CaPlan;
using testing::CertificatePlan;
using testing::Certify;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Issue;
using testing::Issued;
using testing::IssueRoot;
using testing::LeafPlan;
using testing::Today;

// Keys take a while to make, so that every test has the same CAs.
const Issued& Root() {
  static const auto* const kRoot = new Issued(IssueRoot(CaPlan("Root")));
  return *kRoot;
}
const Issued& Middle() {
  static const auto* const kMiddle = new Issued(Issue(CaPlan("Middle"), Root()));
  return *kMiddle;
}
const Issued& Lower() {
  static const auto* const kLower = new Issued(Issue(CaPlan("Lower"), Middle()));
  return *kLower;
}
const Issued& Leaf() {
  static const auto* const kLeaf = new Issued(Issue(LeafPlan("acme"), Lower()));
  return *kLeaf;
}

// The certificate of `issued` made anew, by `issuer` and as `plan` says.
std::string Again(const CertificatePlan& plan, const Issued& issued, const Issued& issuer) {
  return Certify(plan, *issued.key, issuer.subject, *issuer.key);
}

absl::StatusOr<ImportedCertificate> Check(const std::vector<std::string>& chain,
                                          const std::string& leaf_der = Leaf().der,
                                          const EVP_PKEY& key = *Leaf().key) {
  return CheckImportedCertificate(leaf_der, chain, key, Today());
}

void ExpectRefused(const std::vector<std::string>& chain, const std::string& says,
                   const std::string& leaf_der = Leaf().der) {
  const absl::Status status = Check(chain, leaf_der).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(ReasonOf(status), "CERTIFICATE_CHAIN_INVALID") << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(says));
}

TEST(ImportedChainTest, ComesInAnyOrderAndGoesInIssuingOrder) {
  std::vector<std::string> chain = {Lower().der, Middle().der, Root().der};
  std::sort(chain.begin(), chain.end());
  do {
    const absl::StatusOr<ImportedCertificate> imported = Check(chain);
    ASSERT_TRUE(imported.ok()) << imported.status();
    EXPECT_THAT(imported->chain, ElementsAre(Lower().der, Middle().der, Root().der));
  } while (std::next_permutation(chain.begin(), chain.end()));
}

TEST(ImportedChainTest, MayEndBelowTheRoot) {
  EXPECT_THAT(Check({Middle().der, Lower().der})->chain, ElementsAre(Lower().der, Middle().der));
  EXPECT_THAT(Check({Lower().der})->chain, ElementsAre(Lower().der));
}

TEST(ImportedChainTest, HasNoGap) {
  ExpectRefused({Middle().der, Root().der}, "\"CN=Middle\" does not belong to the chain");
  ExpectRefused({Lower().der, Root().der}, "\"CN=Root\" does not belong to the chain");
}

TEST(ImportedChainTest, HasNoStranger) {
  const Issued stranger = IssueRoot(CaPlan("Stranger"));
  ExpectRefused({Lower().der, Middle().der, Root().der, stranger.der},
                "\"CN=Stranger\" does not belong");
  ExpectRefused({stranger.der}, "\"CN=Stranger\" does not belong");
  // One of the right name, for the same key, that a stranger issued.
  ExpectRefused(
      {Lower().der, Middle().der, Root().der, Again(CaPlan("Middle"), Middle(), stranger)},
      "does not belong");
}

TEST(ImportedChainTest, HasNothingTwice) {
  ExpectRefused({Lower().der, Middle().der, Lower().der}, "\"CN=Lower\" is in the chain twice");
  ExpectRefused({Leaf().der, Lower().der}, "\"CN=acme\" is itself in its chain");
}

TEST(ImportedChainTest, ASelfSignedCertificateHasNone) {
  const Issued alone = IssueRoot(LeafPlan("alone"));
  const absl::Status status = Check({Root().der}, alone.der, *alone.key).status();
  EXPECT_EQ(ReasonOf(status), "CERTIFICATE_CHAIN_INVALID") << status;
}

TEST(ImportedChainTest, EverySignatureVerifies) {
  const Issued impostor = IssueRoot(CaPlan("Lower"));
  ExpectRefused({impostor.der}, "\"CN=acme\": certificate signature failure");
  const Issued false_root = IssueRoot(CaPlan("Root"));
  ExpectRefused({Lower().der, Middle().der, false_root.der},
                "\"CN=Middle\": certificate signature failure");
}

TEST(ImportedChainTest, FindsTheIssuerAmongKeysOfOneName) {
  // A CA that has a new key: its old certificate is a stranger, not the issuer.
  const Issued old_lower = Issue(CaPlan("Lower"), Middle());
  ExpectRefused({old_lower.der, Lower().der, Middle().der}, "\"CN=Lower\" does not belong");
  EXPECT_TRUE(Check({Lower().der, Middle().der}).ok());
}

TEST(ImportedChainTest, MayHoldAKeyRolloverOfTheRoot) {
  // RFC 4210 section 4.4: the root's new key, certified by its old one.
  const std::pair<int, std::string> own_key = {NID_subject_key_identifier, "hash"};
  const std::pair<int, std::string> issuer_key = {NID_authority_key_identifier, "keyid:always"};
  CertificatePlan old_plan = CaPlan("Root");
  old_plan.extensions.push_back(own_key);
  const Issued old_root = IssueRoot(old_plan);
  CertificatePlan rollover_plan = old_plan;
  rollover_plan.extensions.push_back(issuer_key);
  const Issued rollover = Issue(rollover_plan, old_root);
  CertificatePlan leaf_plan = LeafPlan("acme");
  leaf_plan.extensions.push_back(issuer_key);
  const std::string leaf_der = Again(leaf_plan, Leaf(), rollover);
  for (const std::vector<std::string>& chain :
       {std::vector<std::string>{old_root.der, rollover.der},
        std::vector<std::string>{rollover.der, old_root.der}}) {
    const absl::StatusOr<ImportedCertificate> imported = Check(chain, leaf_der);
    ASSERT_TRUE(imported.ok()) << imported.status();
    EXPECT_THAT(imported->chain, ElementsAre(rollover.der, old_root.der));
  }
}

TEST(ImportedChainTest, MayCrossOverToAnotherRoot) {
  const Issued new_root = IssueRoot(CaPlan("New root"));
  const std::string cross = Again(CaPlan("Root"), Root(), new_root);
  EXPECT_THAT(Check({new_root.der, cross, Middle().der, Lower().der})->chain,
              ElementsAre(Lower().der, Middle().der, cross, new_root.der));
}

TEST(ImportedChainTest, IsOfCas) {
  CertificatePlan plan = LeafPlan("Lower");
  ExpectRefused({Again(plan, Lower(), Middle()), Middle().der}, "\"CN=Lower\"");
  plan.extensions = {{NID_basic_constraints, "critical,CA:FALSE"}};
  ExpectRefused({Again(plan, Lower(), Middle()), Middle().der}, "\"CN=Lower\"");
  ExpectRefused({Again(plan, Lower(), Middle())}, "\"CN=Lower\"");
}

TEST(ImportedChainTest, KeepsPathLengths) {
  CertificatePlan plan = CaPlan("Middle");
  plan.extensions[0].second = "critical,CA:TRUE,pathlen:0";
  ExpectRefused({Lower().der, Again(plan, Middle(), Root())}, "path length");
}

TEST(ImportedChainTest, KeepsNameConstraints) {
  CertificatePlan ca = CaPlan("Middle");
  ca.extensions.emplace_back(NID_name_constraints, "critical,permitted;DNS:example.com");
  CertificatePlan leaf = LeafPlan("acme");
  leaf.extensions.emplace_back(NID_subject_alt_name, "DNS:example.net");
  const std::string leaf_der = Again(leaf, Leaf(), Lower());
  EXPECT_TRUE(Check({Lower().der, Middle().der}, leaf_der).ok());
  ExpectRefused({Lower().der, Again(ca, Middle(), Root()), Root().der}, "permitted subtree",
                leaf_der);
}

TEST(ImportedChainTest, IsValidToday) {
  CertificatePlan plan = CaPlan("Middle");
  plan.not_after = Today() - absl::Hours(1);
  ExpectRefused({Lower().der, Again(plan, Middle(), Root())},
                "\"CN=Middle\": certificate has expired");
  plan = CaPlan("Middle");
  plan.not_before = Today() + absl::Hours(1);
  ExpectRefused({Lower().der, Again(plan, Middle(), Root()), Root().der},
                "\"CN=Middle\": certificate is not yet valid");
}

TEST(ImportedChainTest, HasNoWeakLink) {
  const Issued short_ca = Issue(CaPlan("Short"), Root(), 1024);
  ExpectRefused({short_ca.der, Root().der}, "\"CN=Short\": CA certificate key too weak",
                Again(LeafPlan("acme"), Leaf(), short_ca));
  ExpectRefused({short_ca.der}, "too weak", Again(LeafPlan("acme"), Leaf(), short_ca));
  for (const char* digest : {"SHA1", "MD5"}) {
    CertificatePlan plan = CaPlan("Middle");
    plan.digest = digest;
    ExpectRefused({Lower().der, Again(plan, Middle(), Root()), Root().der},
                  "\"CN=Middle\": CA signature digest algorithm too weak");
  }
}

TEST(ImportedChainTest, IsMadeOfCertificates) {
  const absl::Status status = Check({Lower().der, "no DER"}).status();
  EXPECT_EQ(ReasonOf(status), "CERTIFICATE_MALFORMED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("certificate 2 of the chain"));
}

TEST(ImportedChainTest, HasAtMostEightCertificates) {
  std::deque<Issued> cas;
  cas.push_back(IssueRoot(CaPlan("CA 0")));
  for (int i = 1; i < 9; ++i) cas.push_back(Issue(CaPlan(absl::StrCat("CA ", i)), cas.back()));
  std::vector<std::string> chain;
  for (const Issued& ca : cas) chain.push_back(ca.der);
  const std::string leaf_der = Again(LeafPlan("acme"), Leaf(), cas.back());
  EXPECT_EQ(ReasonOf(Check(chain, leaf_der).status()), "CERTIFICATE_CHAIN_TOO_LONG");
  chain.erase(chain.begin());
  const absl::StatusOr<ImportedCertificate> imported = Check(chain, leaf_der);
  EXPECT_TRUE(imported.ok()) << imported.status();
}

}  // namespace
}  // namespace keyward
