// Keys that come to the registry from outside, and certificates that change.
#include "absl/strings/str_cat.h"
#include "tests/keystore/registry/registry_contract.h"

namespace keyward::registry {
namespace {

using absl::StatusCode;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const auto kVersionNotFound = FailsWith(StatusCode::kNotFound, "KEY_VERSION_NOT_FOUND");
const auto kConnectionNotFound = FailsWith(StatusCode::kNotFound, "CONNECTION_NOT_FOUND");
const auto kWrongState = FailsWith(StatusCode::kFailedPrecondition, "KEY_VERSION_WRONG_STATE");
const auto kKeyIdExists = FailsWith(StatusCode::kAlreadyExists, "KEY_ID_EXISTS");
const auto kCertificateChanged = FailsWith(StatusCode::kAborted, "CERTIFICATE_CHANGED");

absl::Status Adopt(Registry& registry, absl::string_view connection, absl::string_view key_id) {
  return registry.AdoptKeyVersion(connection, key_id, "RS256", 2048, AnotherCertificate()).status();
}

// Replaces the certificate that SomeIssuedKey() has.
absl::Status Replace(Registry& registry, absl::string_view connection, uint32_t number,
                     const IssuedKey& issued = AnotherCertificate()) {
  return registry.ReplaceCertificate(connection, number, SomeIssuedKey().certificate_der, issued);
}

TEST_P(RegistryContractTest, AnAdoptedKeyIsAPendingVersion) {
  CreateActive(*registry_, "acme");
  const std::string etag = EtagOf(*registry_, "acme");
  const std::string key_id = NewKeyId();
  const IssuedKey issued = AnotherCertificate();
  const absl::StatusOr<KeyVersion> adopted =
      registry_->AdoptKeyVersion("acme", key_id, "RS256", 3072, issued);
  ASSERT_THAT(adopted.status(), IsOk());
  EXPECT_EQ(adopted->connection, "acme");
  EXPECT_EQ(adopted->number, 2U);
  EXPECT_EQ(adopted->state, VersionState::kPending);
  EXPECT_EQ(adopted->key_id, key_id);
  EXPECT_EQ(adopted->algorithm, "RS256");
  EXPECT_EQ(adopted->key_bits, 3072U);
  EXPECT_EQ(adopted->certificate_der, issued.certificate_der);
  EXPECT_EQ(adopted->certificate_chain, issued.certificate_chain);
  EXPECT_EQ(adopted->kid, issued.kid);
  EXPECT_EQ(adopted->certificate_not_after, issued.certificate_not_after);
  Reopen();
  const std::vector<KeyVersion> versions = *registry_->ListKeyVersions("acme");
  ASSERT_THAT(versions, SizeIs(2));
  EXPECT_EQ(versions[0].state, VersionState::kActive);
  ExpectVersion(versions[1], *adopted);
  EXPECT_THAT(registry_->Load()->key_versions, SizeIs(2));
  EXPECT_THAT(*registry_->ListUnfinished(), IsEmpty());
  EXPECT_EQ(EtagOf(*registry_, "acme"), etag) << "the connection itself did not change";
}

TEST_P(RegistryContractTest, AnAdoptedKeyTakesTheNextNumberOfTheName) {
  CreateActive(*registry_, "acme");
  Remove(*registry_, "acme");
  CreateActive(*registry_, "acme");
  EXPECT_EQ(registry_->AdoptKeyVersion("acme", NewKeyId(), "RS256", 2048, SomeIssuedKey())->number,
            3U);
  Remove(*registry_, "acme");
  EXPECT_EQ(CreateActive(*registry_, "acme"), 4U);
}

TEST_P(RegistryContractTest, ARemovalTakesAdoptedKeysToo) {
  CreateActive(*registry_, "acme");
  ASSERT_THAT(Adopt(*registry_, "acme", NewKeyId()), IsOk());
  ASSERT_THAT(registry_->BeginRemoval("acme", EtagOf(*registry_, "acme")), IsOk());
  EXPECT_THAT(*registry_->ListUnfinished(), SizeIs(2));
}

TEST_P(RegistryContractTest, AKeyIdentifierIsOfOneVersionForAllTime) {
  const std::string generating = NewKeyId();
  ASSERT_THAT(registry_->CreateConnection("new", {}, generating, "RS256", 2048).status(), IsOk());
  CreateActive(*registry_, "acme");
  const std::string adopted = NewKeyId();
  ASSERT_THAT(Adopt(*registry_, "acme", adopted), IsOk());
  CreateActive(*registry_, "other");
  for (const std::string& taken : {generating, adopted}) {
    EXPECT_THAT(Adopt(*registry_, "acme", taken), kKeyIdExists);
    EXPECT_THAT(Adopt(*registry_, "other", taken), kKeyIdExists);
  }
  EXPECT_THAT(registry_->CreateConnection("third", {}, adopted, "RS256", 2048).status(),
              kKeyIdExists);
  Remove(*registry_, "acme");
  EXPECT_THAT(Adopt(*registry_, "other", adopted), kKeyIdExists) << "not even when it is destroyed";
  EXPECT_THAT(*registry_->ListKeyVersions("other"), SizeIs(1));
  EXPECT_EQ(registry_->AdoptKeyVersion("other", NewKeyId(), "RS256", 2048, SomeIssuedKey())->number,
            2U)
      << "a refused adoption takes no number";
}

TEST_P(RegistryContractTest, OnlyAConnectionThatIsThereAdopts) {
  ASSERT_THAT(registry_->CreateConnection("new", {}, NewKeyId(), "RS256", 2048).status(), IsOk());
  CreateActive(*registry_, "gone");
  ASSERT_THAT(registry_->BeginRemoval("gone", EtagOf(*registry_, "gone")), IsOk());
  for (const std::string& name : {std::string("absent"), std::string("new"), std::string("gone"),
                                  std::string(), std::string("acme\0", 5), std::string("\xFF")}) {
    EXPECT_THAT(Adopt(*registry_, name, NewKeyId()), kConnectionNotFound);
  }
}

TEST_P(RegistryContractTest, AnAdoptionNeedsIdentifierCertificateAndText) {
  CreateActive(*registry_, "acme");
  EXPECT_TRUE(absl::IsInvalidArgument(Adopt(*registry_, "acme", "")));
  IssuedKey issued = SomeIssuedKey();
  issued.certificate_der.clear();
  EXPECT_TRUE(absl::IsInvalidArgument(
      registry_->AdoptKeyVersion("acme", NewKeyId(), "RS256", 2048, issued).status()));
  issued = SomeIssuedKey();
  issued.kid = "\xFF";
  const auto invalid_text = FailsWith(StatusCode::kInvalidArgument, "INVALID_TEXT");
  EXPECT_THAT(registry_->AdoptKeyVersion("acme", NewKeyId(), "RS256", 2048, issued).status(),
              invalid_text);
  EXPECT_THAT(
      registry_->AdoptKeyVersion("acme", NewKeyId(), "\xFF", 2048, SomeIssuedKey()).status(),
      invalid_text);
  EXPECT_THAT(*registry_->ListKeyVersions("acme"), SizeIs(1));
}

TEST_P(RegistryContractTest, AReplacedCertificateStays) {
  CreateActive(*registry_, "acme");
  CreateActive(*registry_, "other");
  const std::string etag = EtagOf(*registry_, "acme");
  KeyVersion expected = registry_->ListKeyVersions("acme")->front();
  const IssuedKey issued = AnotherCertificate();
  ASSERT_THAT(Replace(*registry_, "acme", 1, issued), IsOk());
  expected.certificate_der = issued.certificate_der;
  expected.certificate_chain = issued.certificate_chain;
  expected.certificate_not_after = issued.certificate_not_after;
  Reopen();
  ExpectVersion(registry_->ListKeyVersions("acme")->front(), expected);
  EXPECT_EQ(EtagOf(*registry_, "acme"), etag);
  EXPECT_EQ(registry_->ListKeyVersions("other")->front().certificate_der,
            SomeIssuedKey().certificate_der);

  // And back to one without a chain.
  ASSERT_THAT(registry_->ReplaceCertificate("acme", 1, issued.certificate_der, SomeIssuedKey()),
              IsOk());
  EXPECT_THAT(registry_->ListKeyVersions("acme")->front().certificate_chain, IsEmpty());
}

TEST_P(RegistryContractTest, AReplacementStartsFromTheCertificateThatIsThere) {
  CreateActive(*registry_, "acme");
  ASSERT_THAT(Replace(*registry_, "acme", 1), IsOk());
  EXPECT_THAT(Replace(*registry_, "acme", 1, AnotherCertificate("third")), kCertificateChanged);
  EXPECT_THAT(registry_->ReplaceCertificate("acme", 1, "", AnotherCertificate("third")),
              kCertificateChanged);
  EXPECT_EQ(registry_->ListKeyVersions("acme")->front().certificate_der,
            AnotherCertificate().certificate_der);
}

TEST_P(RegistryContractTest, AReplacementKeepsTheState) {
  CreateActive(*registry_, "acme");
  ASSERT_THAT(Adopt(*registry_, "acme", NewKeyId()), IsOk());
  ASSERT_THAT(registry_->ReplaceCertificate("acme", 2, AnotherCertificate().certificate_der,
                                            AnotherCertificate("third")),
              IsOk());
  EXPECT_EQ(registry_->ListKeyVersions("acme")->back().state, VersionState::kPending);
  EXPECT_EQ(registry_->ListKeyVersions("acme")->back().certificate_der,
            AnotherCertificate("third").certificate_der);
}

TEST_P(RegistryContractTest, OnlyAKeyThatIsThereGetsACertificate) {
  ASSERT_THAT(registry_->CreateConnection("new", {}, NewKeyId(), "RS256", 2048).status(), IsOk());
  EXPECT_THAT(registry_->ReplaceCertificate("new", 1, "", AnotherCertificate()), kWrongState);
  CreateActive(*registry_, "acme");
  ASSERT_THAT(registry_->BeginRemoval("acme", EtagOf(*registry_, "acme")), IsOk());
  EXPECT_THAT(Replace(*registry_, "acme", 1), kWrongState);
  ASSERT_THAT(registry_->FinishDestruction("acme", 1), IsOk());
  EXPECT_THAT(Replace(*registry_, "acme", 1), kWrongState);
  for (uint32_t number : {0U, 2U}) {
    EXPECT_THAT(Replace(*registry_, "acme", number), kVersionNotFound);
  }
  EXPECT_THAT(Replace(*registry_, "absent", 1), kVersionNotFound);
  EXPECT_THAT(Replace(*registry_, std::string("acme\0", 5), 1), kVersionNotFound);
}

TEST_P(RegistryContractTest, AReplacementIsACertificateOfTheSameKey) {
  CreateActive(*registry_, "acme");
  IssuedKey issued = AnotherCertificate();
  issued.kid = "other";
  EXPECT_TRUE(absl::IsInvalidArgument(Replace(*registry_, "acme", 1, issued)));
  issued = AnotherCertificate();
  issued.certificate_der.clear();
  EXPECT_TRUE(absl::IsInvalidArgument(Replace(*registry_, "acme", 1, issued)));
  issued = AnotherCertificate();
  issued.certificate_chain[0].clear();
  EXPECT_TRUE(absl::IsInvalidArgument(Replace(*registry_, "acme", 1, issued)));
  EXPECT_EQ(registry_->ListKeyVersions("acme")->front().certificate_der,
            SomeIssuedKey().certificate_der);
}

}  // namespace
}  // namespace keyward::registry
