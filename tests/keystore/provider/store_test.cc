// pkcs11: URIs through OSSL_STORE, and files that hold one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/file.h"
#include "tests/keystore/provider/module_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward::provider {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kLabel[] = "PKCS#11 PROVIDER URI";

// DER of one byte of length.
std::string Tlv(char tag, const std::string& value) {
  EXPECT_LT(value.size(), 128U);
  return std::string{tag, static_cast<char>(value.size())} + value;
}

// What a file with `uri` holds, also of one that scripts/pkcs11-uri-pem refuses.
std::string UriFile(const std::string& uri) {
  return Tlv(0x30, Tlv(0x1a, "PKCS#11 Provider URI v1.0") + Tlv(0x0c, uri));
}

std::string Pem(const std::string& label, const std::string& der) {
  return absl::StrCat("-----BEGIN ", label, "-----\n", absl::Base64Escape(der), "\n-----END ",
                      label, "-----\n");
}

class StoreTest : public ModuleTest {
 protected:
  // Puts a certificate for the key pair `object`, signed by itself, on the token.
  void StoreCertificate(const std::string& object, const std::string& id) {
    const EvpPkeyPtr key =
        LoadPrivateKey(context(), absl::StrCat("pkcs11:object=", object, ";type=private"));
    const X509Ptr certificate(X509_new_ex(context(), nullptr));
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    ASSERT_EQ(X509_set_pubkey(certificate.get(), key.get()), 1);
    ASSERT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
    uint8_t* der = nullptr;
    const int length = i2d_X509(certificate.get(), &der);
    ASSERT_TRUE(
        WriteFile(dir_.File("der"), {reinterpret_cast<char*>(der), static_cast<size_t>(length)})
            .ok());
    OPENSSL_free(der);
    Pkcs11Tool(
        {"--write-object", dir_.File("der"), "--type", "cert", "--label", object, "--id", id});
  }

  static std::string PemOf(const std::string& uri) {
    const testing::Finished made =
        testing::Run({KEYWARD_SOURCE_DIR "/scripts/pkcs11-uri-pem", uri});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    return made.out;
  }

  // As nginx reads ssl_certificate_key.
  EvpPkeyPtr ReadPem(const std::string& pem) const {
    const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return EvpPkeyPtr(
        PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, nullptr, nullptr, context(), nullptr));
  }
};

TEST_F(StoreTest, ListsATokensObjects) {
  StoreCertificate("rsa", "01");
  for (const char* uri : {"pkcs11:", "pkcs11:token=keyward-test"}) {
    const Loaded all = LoadAll(context(), uri);
    EXPECT_FALSE(all.failed) << uri << TakeError().sentence;
    EXPECT_THAT(all.private_keys, SizeIs(3));
    EXPECT_THAT(all.public_keys, SizeIs(3));
    EXPECT_THAT(all.certificates, SizeIs(1));
  }
}

TEST_F(StoreTest, GivesWhatIsExpected) {
  StoreCertificate("rsa", "01");
  const Loaded keys = LoadAll(context(), "pkcs11:", OSSL_STORE_INFO_PKEY);
  EXPECT_THAT(keys.private_keys, SizeIs(3));
  EXPECT_THAT(keys.certificates, IsEmpty());
  const Loaded public_keys = LoadAll(context(), "pkcs11:object=rsa", OSSL_STORE_INFO_PUBKEY);
  EXPECT_THAT(public_keys.public_keys, SizeIs(1));
  EXPECT_THAT(public_keys.private_keys, IsEmpty());
  const Loaded certificates = LoadAll(context(), "pkcs11:object=rsa", OSSL_STORE_INFO_CERT);
  ASSERT_THAT(certificates.certificates, SizeIs(1));
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=rsa");
  EXPECT_EQ(X509_check_private_key(certificates.certificates.front().get(), key.get()), 1);
  const Loaded lists = LoadAll(context(), "pkcs11:", OSSL_STORE_INFO_CRL);
  EXPECT_FALSE(lists.failed);
}

// Both by openssl storeutl, which asks for the end after the failure, and by those who
// load until the end.
TEST_F(StoreTest, EndsAfterAFailure) {
  OSSL_STORE_CTX* store = OSSL_STORE_open_ex("pkcs11:object=nobody", context(), nullptr, nullptr,
                                             nullptr, nullptr, nullptr, nullptr);
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(OSSL_STORE_load(store), nullptr);
  EXPECT_EQ(OSSL_STORE_error(store), 1);
  EXPECT_EQ(OSSL_STORE_eof(store), 0);
  EXPECT_EQ(OSSL_STORE_load(store), nullptr);
  EXPECT_EQ(OSSL_STORE_eof(store), 1);
  OSSL_STORE_close(store);
}

TEST_F(StoreTest, FindsByEachAttribute) {
  for (const char* uri :
       {"pkcs11:token=keyward-test;object=ec;type=private", "pkcs11:id=%02;type=private",
        "pkcs11:manufacturer=SoftHSM%20project;model=SoftHSM%20v2;object=ec;id=%02"}) {
    const EvpPkeyPtr key = LoadPrivateKey(context(), uri);
    ASSERT_NE(key, nullptr) << uri << TakeError().sentence;
    EXPECT_EQ(EVP_PKEY_get_bits(key.get()), 256);
  }
}

TEST_F(StoreTest, TakesModuleAndPinFromTheUri) {
  const OpensslContext bare("");
  const std::string module = absl::StrCat("module-path=", testing::kSoftHsmModule);
  for (const std::string& pin : {absl::StrCat("pin-value=", testing::kUserPin),
                                 absl::StrCat("pin-source=file:", dir_.File("pin")),
                                 absl::StrCat("pin-source=", dir_.File("pin"))}) {
    const EvpPkeyPtr key = LoadPrivateKey(
        bare.get(), absl::StrCat("pkcs11:token=keyward-test;object=rsa?", module, "&", pin));
    EXPECT_NE(key, nullptr) << TakeError().sentence;
  }
}

TEST_F(StoreTest, ListsPublicObjectsAloneWithoutAPin) {
  const OpensslContext context(absl::StrCat("pkcs11-module = ", testing::kSoftHsmModule, "\n"));
  // The login of another context is the process's, so this test makes none.
  const Loaded all = LoadAll(context.get(), "pkcs11:");
  EXPECT_FALSE(all.failed);
  EXPECT_THAT(all.private_keys, IsEmpty());
  EXPECT_THAT(all.public_keys, SizeIs(3));
}

TEST_F(StoreTest, ListsNothingOnAnEmptyToken) {
  softhsm_.InitToken("empty");
  const Loaded all = LoadAll(context(), "pkcs11:token=empty?pin-source=" + dir_.File("pin"));
  EXPECT_FALSE(all.failed) << TakeError().sentence;
  EXPECT_THAT(all.private_keys, IsEmpty());
}

TEST_F(StoreTest, GivesTheKeyOfAPublicKeyObjectThatIsMissing) {
  Pkcs11Tool({"--delete-object", "--type", "pubkey", "--id", "01"});
  const Loaded loaded = LoadAll(context(), "pkcs11:object=rsa", OSSL_STORE_INFO_PUBKEY);
  EXPECT_THAT(loaded.public_keys, SizeIs(1)) << TakeError().sentence;
}

TEST_F(StoreTest, LeavesKeysThatItDoesNotKnowOutOfAList) {
  Pkcs11Tool({"--keypairgen", "--key-type", "EC:secp521r1", "--label", "p521", "--id", "04"});
  EXPECT_THAT(LoadAll(context(), "pkcs11:").private_keys, SizeIs(3));
  EXPECT_EQ(LoadPrivateKey(context(), "pkcs11:object=p521"), nullptr);
  EXPECT_EQ(TakeError().reason, static_cast<int>(Reason::kKeyUnsupported));
}

TEST_F(StoreTest, ReadsAKeyByAFileWithItsUri) {
  for (const char* object : {"rsa", "ec"}) {
    const EvpPkeyPtr key =
        ReadPem(PemOf(absl::StrCat("pkcs11:token=keyward-test;object=", object, ";type=private")));
    ASSERT_NE(key, nullptr) << object << TakeError().sentence;
    EXPECT_NE(Sign(context(), key.get(), "SHA256", "data"), "");
    EXPECT_EQ(ERR_peek_error(), 0U);
  }
}

TEST_F(StoreTest, SaysWhyAFileWithAUriGivesNoKey) {
  EXPECT_EQ(ReadPem(PemOf("pkcs11:object=nobody;type=private")), nullptr);
  EXPECT_EQ(TakeError().reason, static_cast<int>(Reason::kObjectNotFound));
}

// Who can change a key's file must not choose what is loaded into the program, or what
// it opens.
TEST_F(StoreTest, RefusesAFileWithAModuleOrAPin) {
  for (const std::string& query :
       {std::string("module-path=/nowhere.so"), absl::StrCat("pin-value=", testing::kUserPin),
        absl::StrCat("pin-source=", dir_.File("pin"))}) {
    const std::string uri = absl::StrCat("pkcs11:object=rsa;type=private?", query);
    EXPECT_EQ(ReadPem(Pem(kLabel, UriFile(uri))), nullptr);
    const QueuedError error = TakeError();
    EXPECT_EQ(error.reason, static_cast<int>(Reason::kUriInvalid)) << error.sentence;
    EXPECT_THAT(error.sentence, HasSubstr("names the key alone"));
    const testing::Finished made =
        testing::Run({KEYWARD_SOURCE_DIR "/scripts/pkcs11-uri-pem", uri});
    EXPECT_NE(made.exit_code, 0);
    EXPECT_THAT(made.err, HasSubstr("openssl.cnf"));
    EXPECT_EQ(made.out, "");
  }
}

// OpenSSL offers us what is in them, too.
TEST_F(StoreTest, TakesAUriFromItsOwnPemBlockAlone) {
  const std::string der = UriFile("pkcs11:object=rsa;type=private");
  EXPECT_NE(ReadPem(Pem(kLabel, der)), nullptr) << TakeError().sentence;
  for (const char* label : {"PRIVATE KEY", "PUBLIC KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"}) {
    EXPECT_EQ(ReadPem(Pem(label, der)), nullptr) << label;
    const std::string pem = Pem(label, UriFile("pkcs11:object=rsa;type=public"));
    const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const EvpPkeyPtr key(
        PEM_read_bio_PUBKEY_ex(bio.get(), nullptr, nullptr, nullptr, context(), nullptr));
    EXPECT_EQ(key, nullptr) << label;
  }
  const auto* begin = reinterpret_cast<const uint8_t*>(der.data());
  const EvpPkeyPtr key(d2i_AutoPrivateKey_ex(nullptr, &begin,
                                             static_cast<long>(der.size()),  // NOLINT
                                             context(), nullptr));
  EXPECT_EQ(key, nullptr);
  EXPECT_EQ(TakeError().reason, 0);
}

TEST_F(StoreTest, TakesNoOtherFileForOneWithAUri) {
  const std::string pem = PemOf("pkcs11:object=rsa;type=private");
  EXPECT_EQ(ReadPem(absl::StrReplaceAll(pem, {{"PROVIDER URI", "PROVIDER URL"}})), nullptr);
  EXPECT_EQ(TakeError().reason, 0);
  // Another version, and bytes that are no DER.
  EXPECT_EQ(ReadPem("-----BEGIN PKCS#11 PROVIDER URI-----\nMAA=\n"
                    "-----END PKCS#11 PROVIDER URI-----\n"),
            nullptr);
  EXPECT_EQ(TakeError().reason, 0);
}

TEST_F(StoreTest, ReadsASoftwareKeysFileAsBefore) {
  const EvpPkeyPtr made(EVP_PKEY_Q_keygen(context(), "provider=default", "EC", "P-256"));
  const BioPtr bio(BIO_new(BIO_s_mem()));
  ASSERT_EQ(PEM_write_bio_PrivateKey(bio.get(), made.get(), nullptr, nullptr, 0, nullptr, nullptr),
            1);
  const EvpPkeyPtr read(
      PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, nullptr, nullptr, context(), nullptr));
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(EVP_PKEY_eq(made.get(), read.get()), 1);
  EXPECT_NE(Sign(context(), read.get(), "SHA256", "data"), "");
}

}  // namespace
}  // namespace keyward::provider
