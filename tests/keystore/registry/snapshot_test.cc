#include "keystore/registry/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include <atomic>
#include <thread>

#include "keystore/registry/sqlite_registry.h"
#include "tests/keystore/registry/registry_contract.h"
#include "tests/testing/temp_dir.h"

namespace keyward::registry {
namespace {

using absl::StatusCode;

constexpr char kKid[] = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
const auto kCorrupt = FailsWith(StatusCode::kDataLoss, "REGISTRY_CORRUPT");

std::string Certify(EVP_PKEY* key, int lifetime_seconds = 3600) {
  const X509Ptr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), lifetime_seconds);
  X509_set_pubkey(certificate.get(), key);
  EXPECT_GT(X509_sign(certificate.get(), key, EVP_sha256()), 0);
  return *EncodeDer<&i2d_X509>(certificate.get());
}

const EVP_PKEY* RsaKey() {
  static const EVP_PKEY* const kKey = EVP_RSA_gen(2048);
  return kKey;
}

const std::string& RsaCertificate() {
  static const auto* const kDer = new std::string(Certify(const_cast<EVP_PKEY*>(RsaKey())));
  return *kDer;
}

Connection MakeConnection(const std::string& name, bool include_kid = false) {
  Connection connection;
  connection.name = name;
  connection.settings.include_kid = include_kid;
  return connection;
}

KeyVersion MakeVersion(const std::string& connection, uint32_t number, VersionState state) {
  KeyVersion version;
  version.connection = connection;
  version.number = number;
  version.state = state;
  version.key_id = "id";
  version.algorithm = "RS256";
  version.key_bits = 2048;
  version.certificate_der = RsaCertificate();
  version.kid = kKid;
  return version;
}

absl::Status ErrorOf(Contents contents) { return Snapshot::New(std::move(contents)).status(); }

// A connection "acme" with one version in each state that a snapshot may hold.
Contents EveryState() {
  Contents contents;
  contents.connections = {MakeConnection("acme"), MakeConnection("bare"),
                          MakeConnection("with-kid", /*include_kid=*/true)};
  contents.key_versions = {
      MakeVersion("acme", 6, VersionState::kDestroyed),
      MakeVersion("acme", 2, VersionState::kActive),
      MakeVersion("acme", 1, VersionState::kPending),
      MakeVersion("acme", 3, VersionState::kRetiring),
      MakeVersion("acme", 4, VersionState::kDisabled),
      MakeVersion("acme", 5, VersionState::kDestroying),
      MakeVersion("with-kid", 1, VersionState::kPending),
  };
  return contents;
}

TEST(SnapshotTest, TheActiveVersionSignsByDefault) {
  const std::shared_ptr<const Snapshot> snapshot = *Snapshot::New(EveryState());
  const SigningKey* key = *snapshot->Select("acme", std::nullopt);
  EXPECT_EQ(key->version.number, 2U);
  EXPECT_EQ(key->version.state, VersionState::kActive);
  EXPECT_EQ(key->version.key_id, "id");
  EXPECT_EQ(key->version.kid, kKid);
  EXPECT_EQ(key->signature_bytes, 256U);
  EXPECT_EQ(EVP_PKEY_eq(key->public_key.get(), RsaKey()), 1);
}

TEST(SnapshotTest, VersionsThatMaySignDoSoByNumber) {
  const std::shared_ptr<const Snapshot> snapshot = *Snapshot::New(EveryState());
  for (uint32_t number : {1U, 2U, 3U}) {
    const absl::StatusOr<const SigningKey*> key = snapshot->Select("acme", number);
    ASSERT_THAT(key.status(), IsOk());
    EXPECT_EQ((*key)->version.number, number);
    EXPECT_NE((*key)->public_key, nullptr);
  }
}

TEST(SnapshotTest, ListsTheVersionsThatMaySign) {
  const std::shared_ptr<const Snapshot> snapshot = *Snapshot::New(EveryState());
  std::vector<std::string> versions;
  for (const KeyVersion* version : snapshot->VersionsThatMaySign()) {
    versions.push_back(version->connection + "/" + std::to_string(version->number));
  }
  EXPECT_THAT(versions,
              ::testing::UnorderedElementsAre("acme/1", "acme/2", "acme/3", "with-kid/1"));
}

TEST(SnapshotTest, OtherVersionsSayWhyNot) {
  const std::shared_ptr<const Snapshot> snapshot = *Snapshot::New(EveryState());
  const auto refused = [](const char* reason) {
    return FailsWith(StatusCode::kFailedPrecondition, reason);
  };
  EXPECT_THAT(snapshot->Select("acme", 4).status(), refused("KEY_VERSION_DISABLED"));
  EXPECT_THAT(snapshot->Select("acme", 5).status(), refused("KEY_VERSION_DESTROYED"));
  EXPECT_THAT(snapshot->Select("acme", 6).status(), refused("KEY_VERSION_DESTROYED"));
  EXPECT_THAT(snapshot->Select("bare", std::nullopt).status(), refused("NO_ACTIVE_KEY_VERSION"));
  EXPECT_THAT(snapshot->Select("with-kid", std::nullopt).status(),
              refused("NO_ACTIVE_KEY_VERSION"));
  for (uint32_t number : {0U, 7U, UINT32_MAX}) {
    EXPECT_THAT(snapshot->Select("acme", number).status(),
                FailsWith(StatusCode::kNotFound, "KEY_VERSION_NOT_FOUND"));
  }
  EXPECT_THAT(snapshot->Select("bare", 1).status(),
              FailsWith(StatusCode::kNotFound, "KEY_VERSION_NOT_FOUND"));
}

TEST(SnapshotTest, UnknownConnectionsAreNotFound) {
  const std::shared_ptr<const Snapshot> snapshot = *Snapshot::New(EveryState());
  for (const std::string& name : {std::string(), std::string("acm"), std::string("acme\0", 5),
                                  std::string("ACME"), std::string(100'000, 'a')}) {
    EXPECT_EQ(snapshot->FindConnection(name), nullptr);
    EXPECT_THAT(snapshot->Select(name, std::nullopt).status(),
                FailsWith(StatusCode::kNotFound, "CONNECTION_NOT_FOUND"));
    EXPECT_THAT(snapshot->Select(name, 1).status(),
                FailsWith(StatusCode::kNotFound, "CONNECTION_NOT_FOUND"));
  }
  EXPECT_EQ(snapshot->FindConnection("acme")->name, "acme");
}

TEST(SnapshotTest, AnEmptyRegistryHasASnapshot) {
  EXPECT_EQ((*Snapshot::New({}))->FindConnection("acme"), nullptr);
}

TEST(SnapshotTest, WritesTheJoseHeader) {
  const std::shared_ptr<const Snapshot> snapshot = *Snapshot::New(EveryState());
  EXPECT_EQ((*snapshot->Select("acme", 2))->jose_header_base64url,
            "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9");  // {"alg":"RS256","typ":"JWT"}
  EXPECT_EQ((*snapshot->Select("with-kid", 1))->jose_header_base64url,
            // {"alg":"RS256","typ":"JWT","kid":"NzbL…"}
            "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6Ik56YkxzWGg4dURDY2QtNk1Od1hGNFdfN25vV1hGWk"
            "FmSGt4WnNSR0M5WHMifQ");
}

TEST(SnapshotTest, RefusesCertificatesThatAreNotThoseOfTheKey) {
  Contents contents;
  contents.connections = {MakeConnection("acme")};
  for (const VersionState state :
       {VersionState::kPending, VersionState::kActive, VersionState::kRetiring}) {
    contents.key_versions = {MakeVersion("acme", 1, state)};
    KeyVersion& version = contents.key_versions[0];
    EXPECT_THAT(ErrorOf(contents), IsOk());
    version.certificate_der = "";
    EXPECT_THAT(ErrorOf(contents), kCorrupt);
    version.certificate_der = "not a certificate";
    EXPECT_THAT(ErrorOf(contents), kCorrupt);
    version.certificate_der = RsaCertificate() + "x";
    EXPECT_THAT(ErrorOf(contents), kCorrupt);
    version.certificate_der = RsaCertificate().substr(0, RsaCertificate().size() - 1);
    EXPECT_THAT(ErrorOf(contents), kCorrupt);
    version.certificate_der = Certify(EvpPkeyPtr(EVP_EC_gen("P-256")).get());
    EXPECT_THAT(ErrorOf(contents), kCorrupt);
    version.certificate_der = RsaCertificate();
    version.key_bits = 3072;
    EXPECT_THAT(ErrorOf(contents), kCorrupt);
  }
}

TEST(SnapshotTest, RefusesWhatCannotStandInAHeader) {
  Contents contents;
  contents.connections = {MakeConnection("acme", /*include_kid=*/true)};
  contents.key_versions = {MakeVersion("acme", 1, VersionState::kActive)};
  for (const char* kid : {"", "a\"b", "a=", "a+b", "a b", "\xC3\xA4"}) {
    contents.key_versions[0].kid = kid;
    EXPECT_THAT(ErrorOf(contents), kCorrupt) << kid;
  }
  contents.key_versions[0].kid = kKid;
  for (const char* algorithm : {"", "none", "HS256", "ES256", "rs256"}) {
    contents.key_versions[0].algorithm = algorithm;
    EXPECT_THAT(ErrorOf(contents), FailsWith(StatusCode::kUnimplemented, "ALGORITHM_UNSUPPORTED"));
  }
}

TEST(SnapshotTest, AReplacedCertificateIsTheOneInUse) {
  testing::TempDir dir;
  const std::unique_ptr<Registry> registry = *OpenSqliteRegistry(dir.File("registry.db"));
  ASSERT_THAT(registry->CreateConnection("acme", {}, "id", "RS256", 2048).status(), IsOk());
  IssuedKey issued{.certificate_der = RsaCertificate(), .kid = kKid};
  ASSERT_THAT(registry->FinishGeneration("acme", 1, VersionState::kActive, issued), IsOk());
  const std::shared_ptr<const Snapshot> before = *Snapshot::New(*registry->Load());

  issued.certificate_der = Certify(const_cast<EVP_PKEY*>(RsaKey()), 7200);
  issued.certificate_chain = {"issuer"};
  ASSERT_THAT(registry->ReplaceCertificate("acme", 1, RsaCertificate(), issued), IsOk());
  const std::shared_ptr<const Snapshot> after = *Snapshot::New(*registry->Load());
  const SigningKey* key = *after->Select("acme", std::nullopt);
  EXPECT_EQ(key->version.certificate_der, issued.certificate_der);
  EXPECT_EQ(key->version.certificate_chain, issued.certificate_chain);
  EXPECT_EQ(EVP_PKEY_eq(key->public_key.get(), RsaKey()), 1);
  const SigningKey* old_key = *before->Select("acme", std::nullopt);
  EXPECT_EQ(old_key->version.certificate_der, RsaCertificate());
  EXPECT_EQ(key->jose_header_base64url, old_key->jose_header_base64url);
}

TEST(SnapshotTest, WhatNeverSignsNeedsNoCertificate) {
  Contents contents;
  contents.connections = {MakeConnection("acme")};
  for (const VersionState state :
       {VersionState::kDisabled, VersionState::kDestroying, VersionState::kDestroyed}) {
    contents.key_versions = {MakeVersion("acme", 1, state)};
    contents.key_versions[0].certificate_der = "";
    contents.key_versions[0].algorithm = "ES256";
    EXPECT_THAT(ErrorOf(contents), IsOk());
  }
}

TEST(SnapshotTest, RefusesContradictions) {
  Contents contents;
  contents.connections = {MakeConnection("acme")};
  contents.key_versions = {MakeVersion("acme", 1, VersionState::kActive),
                           MakeVersion("acme", 2, VersionState::kActive)};
  EXPECT_THAT(ErrorOf(contents), kCorrupt) << "two ACTIVE";
  contents.key_versions = {MakeVersion("acme", 1, VersionState::kActive),
                           MakeVersion("acme", 1, VersionState::kPending)};
  EXPECT_THAT(ErrorOf(contents), kCorrupt) << "the same number";
  contents.key_versions = {MakeVersion("other", 1, VersionState::kActive)};
  EXPECT_THAT(ErrorOf(contents), kCorrupt) << "no connection";
}

TEST(SnapshotHolderTest, ReadersKeepWhatTheyGot) {
  SnapshotHolder holder(*Snapshot::New({}));
  const std::shared_ptr<const Snapshot> before = holder.Get();
  holder.Set(*Snapshot::New(EveryState()));
  EXPECT_EQ(before->FindConnection("acme"), nullptr);
  EXPECT_NE(holder.Get()->FindConnection("acme"), nullptr);
}

TEST(SnapshotHolderTest, IsReadWhileItIsReplaced) {
  SnapshotHolder holder(*Snapshot::New(EveryState()));
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      do {
        const std::shared_ptr<const Snapshot> snapshot = holder.Get();
        EXPECT_EQ((*snapshot->Select("acme", std::nullopt))->version.number, 2U);
      } while (!stop);
    });
  }
  for (int i = 0; i < 200; ++i) holder.Set(*Snapshot::New(EveryState()));
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace keyward::registry
