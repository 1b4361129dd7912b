#include "keystore/pkcs11/certificate_objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/openssl.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/object_finder.h"
#include "tests/keystore/pkcs11/token_fixture.h"

namespace keyward::pkcs11 {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr SessionPoolOptions kEager = {.reload_interval = absl::ZeroDuration(),
                                       .retry_interval = absl::ZeroDuration()};

// A certificate for nothing in particular.
std::string MakeCertificate(const std::string& name) {
  const EvpPkeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr certificate(X509_new());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const uint8_t*>(name.data()),
                             static_cast<int>(name.size()), -1, 0);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  uint8_t* der = nullptr;
  const int length = i2d_X509(certificate.get(), &der);
  std::string text(reinterpret_cast<char*>(der), length);
  OPENSSL_free(der);
  return text;
}

class CertificateObjectsTest : public FaultyTokenTest {
 protected:
  CertificateObjectsTest() {
    SetFaults("");
    pool_ = OpenPool(kEager, module());
  }

  absl::Status Replace(const std::string& der, const std::string& key_id = "id") {
    absl::StatusOr<SessionLease> lease = pool_->TakeForAdministration(Soon());
    if (!lease.ok()) return lease.status();
    return ReplaceCertificate(*lease, "keyward/acme/1", key_id, der);
  }

  std::vector<std::string> Found(const std::string& key_id = "id") {
    return *FindCertificates(pool_->Take(Soon())->session(), key_id);
  }

  std::unique_ptr<SessionPool> pool_;
  const std::string one_ = MakeCertificate("one");
  const std::string two_ = MakeCertificate("two");
};

TEST_F(CertificateObjectsTest, StoresAPublicObjectBesideTheKey) {
  ASSERT_TRUE(Replace(one_).ok());
  EXPECT_THAT(Found(), ElementsAre(one_));
  EXPECT_TRUE(Found("other").empty());
  auto lease = pool_->Take(Soon());
  const auto found = FindObjects(
      lease->session(), {.object_class = CKO_CERTIFICATE, .label = "keyward/acme/1", .id = "id"});
  ASSERT_EQ(found->size(), 1U);
  EXPECT_TRUE(*ReadBool(lease->session(), found->front(), CKA_TOKEN));
  EXPECT_FALSE(*ReadBool(lease->session(), found->front(), CKA_PRIVATE));
  EXPECT_EQ(*ReadUlong(lease->session(), found->front(), CKA_CERTIFICATE_TYPE), CKC_X_509);
  EXPECT_FALSE(ReadBytes(lease->session(), found->front(), CKA_SUBJECT)->empty());
}

TEST_F(CertificateObjectsTest, ReplacesWhatIsThere) {
  ASSERT_TRUE(Replace(one_, "other").ok());
  ASSERT_TRUE(Replace(one_).ok());
  ASSERT_TRUE(Replace(two_).ok());
  EXPECT_THAT(Found(), ElementsAre(two_));
  EXPECT_THAT(Found("other"), ElementsAre(one_)) << "another key's is left alone";
}

TEST_F(CertificateObjectsTest, KeepsTheSameOne) {
  ASSERT_TRUE(Replace(one_).ok());
  SetFaults("C_CreateObject 0x30\n");
  EXPECT_TRUE(Replace(one_).ok()) << "nothing is to be written";
  SetFaults("");
  EXPECT_THAT(Found(), ElementsAre(one_));
}

TEST_F(CertificateObjectsTest, AFailureLeavesTheOldOneAndTheNextTryPutsItRight) {
  ASSERT_TRUE(Replace(one_).ok());
  SetFaults("C_CreateObject 0xe2\n");  // CKR_TOKEN_WRITE_PROTECTED
  const absl::Status refused = Replace(two_);
  EXPECT_EQ(CkRvOf(refused), CKR_TOKEN_WRITE_PROTECTED) << refused;
  EXPECT_THAT(Found(), ElementsAre(one_));
  SetFaults("C_DestroyObject 0xe2\n");
  EXPECT_EQ(CkRvOf(Replace(two_)), CKR_TOKEN_WRITE_PROTECTED);
  EXPECT_THAT(Found(), UnorderedElementsAre(one_, two_)) << "one too many, never none";
  SetFaults("");
  EXPECT_TRUE(Replace(two_).ok());
  EXPECT_THAT(Found(), ElementsAre(two_));
}

TEST_F(CertificateObjectsTest, AFullTokenCostsNobodyTheirSession) {
  const auto signing = pool_->Take(Soon());
  SetFaults("C_CreateObject 0x31\n");  // CKR_DEVICE_MEMORY
  EXPECT_EQ(ReasonOf(Replace(one_)), "TOKEN_FULL");
  SetFaults("C_OpenSession 0x30\n");
  EXPECT_TRUE(pool_->Take(Soon()).ok()) << "the pool did not have to recover";
}

TEST_F(CertificateObjectsTest, WhatIsNoCertificateIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(Replace("not DER")));
  EXPECT_TRUE(absl::IsInvalidArgument(Replace(one_ + "x")));
  EXPECT_TRUE(Found().empty());
}

TEST_F(CertificateObjectsTest, GoesWithItsKey) {
  ASSERT_TRUE(Replace(one_).ok());
  ASSERT_TRUE(DestroyKeyPair(pool_->TakeForAdministration(Soon())->session(), "id").ok());
  EXPECT_TRUE(Found().empty());
}

TEST_F(CertificateObjectsTest, WorksAfterEverySessionWasLost) {
  ASSERT_TRUE(Replace(one_).ok());
  {
    auto lease = pool_->Take(Soon());
    CK_SESSION_INFO info{};
    lease->session().functions().C_GetSessionInfo(lease->session().handle(), &info);
    lease->session().functions().C_CloseAllSessions(info.slotID);
  }
  EXPECT_TRUE(IsSessionFatal(Replace(two_))) << "the fault was not there";
  EXPECT_TRUE(Replace(two_).ok());
  EXPECT_THAT(Found(), ElementsAre(two_));
}

TEST_F(CertificateObjectsTest, WorksAfterTheModuleWasLoadedAgain) {
  ASSERT_TRUE(Replace(one_).ok());
  const std::string away = softhsm_.token_dir() + ".away";
  std::filesystem::rename(softhsm_.token_dir(), away);
  EXPECT_FALSE(Replace(two_).ok());
  EXPECT_EQ(ReasonOf(Replace(two_)), "TOKEN_UNAVAILABLE");
  std::filesystem::rename(away, softhsm_.token_dir());
  const absl::Status status = Replace(two_);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(Found(), ElementsAre(two_));
}

}  // namespace
}  // namespace keyward::pkcs11
