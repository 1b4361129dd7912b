#include "tests/testing/test_ca.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <utility>

#include "common/pem.h"

namespace keyward::testing {
namespace {

using TimePtr = std::unique_ptr<ASN1_TIME, OpensslDeleter<&ASN1_TIME_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslDeleter<&X509_EXTENSION_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, OpensslDeleter<&X509_CRL_free>>;

void Require(bool ok, const char* what) {
  if (ok) return;
  std::cerr << OpensslError(what) << "\n";
  std::abort();
}

EvpPkeyPtr MakeKey() {
  EvpPkeyPtr key(EVP_EC_gen("P-256"));
  Require(key != nullptr, "make a key");
  return key;
}

TimePtr ToAsn1(absl::Time time) { return TimePtr(ASN1_TIME_set(nullptr, absl::ToTimeT(time))); }

// `make` writes to a BIO.
template <typename Write>
std::string PemOf(Write write) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  Require(write(bio.get()) == 1, "write PEM");
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

std::string PemOf(X509* certificate) {
  return PemOf([certificate](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

void SetName(X509_NAME* name, const std::string& common_name) {
  if (common_name.empty()) return;
  Require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const uint8_t*>(common_name.data()),
                                     static_cast<int>(common_name.size()), -1, 0) == 1,
          "set a name");
}

// A certificate with a name, a key and times, not signed yet.
X509Ptr Draft(const std::string& common_name, EVP_PKEY* key, const X509* issuer,
              absl::Time not_before, absl::Time not_after) {
  X509Ptr draft(X509_new());
  X509_set_version(draft.get(), X509_VERSION_3);
  std::array<uint8_t, 8> serial{};
  RAND_bytes(serial.data(), serial.size());
  serial[0] = 1;
  const BignumPtr number(BN_bin2bn(serial.data(), serial.size(), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(draft.get()));
  X509_set1_notBefore(draft.get(), ToAsn1(not_before).get());
  X509_set1_notAfter(draft.get(), ToAsn1(not_after).get());
  SetName(X509_get_subject_name(draft.get()), common_name);
  X509_set_issuer_name(draft.get(),
                       X509_get_subject_name(issuer == nullptr ? draft.get() : issuer));
  Require(X509_set_pubkey(draft.get(), key) == 1, "set a key");
  return draft;
}

void Extend(X509* draft, int nid, const std::string& value) {
  if (value.empty()) return;
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
  Require(extension != nullptr, value.c_str());
  X509_add_ext(draft, extension.get(), -1);
}

X509Ptr MakeAuthority(const std::string& name, EVP_PKEY* key, const X509* issuer,
                      EVP_PKEY* issuer_key, absl::Time not_after) {
  X509Ptr authority = Draft(name, key, issuer, absl::Now() - absl::Hours(1), not_after);
  Extend(authority.get(), NID_basic_constraints, "critical,CA:TRUE");
  Extend(authority.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  Require(X509_sign(authority.get(), issuer_key, EVP_sha256()) > 0, "sign an authority");
  return authority;
}

}  // namespace

TestCa::TestCa(X509Ptr certificate, EvpPkeyPtr key)
    : certificate_(std::move(certificate)), key_(std::move(key)) {}

TestCa::TestCa(const std::string& name, absl::Time not_after) : key_(MakeKey()) {
  certificate_ = MakeAuthority(name, key_.get(), nullptr, key_.get(), not_after);
}

TestCa::TestCa(absl::string_view certificate_pem, absl::string_view private_key_pem) {
  auto certificates = ParsePemCertificates(certificate_pem);
  auto key = ParsePemPrivateKey(private_key_pem);
  Require(certificates.ok() && key.ok(), "read an authority");
  certificate_ = std::move(certificates->front());
  key_ = *std::move(key);
}

TestCa TestCa::MakeSubordinate(const std::string& name) const {
  EvpPkeyPtr key = MakeKey();
  X509Ptr certificate =
      MakeAuthority(name, key.get(), certificate_.get(), key_.get(), absl::Now() + absl::Hours(72));
  return {std::move(certificate), std::move(key)};
}

IssuedCertificate TestCa::Issue(const IssueOptions& options) const {
  const EvpPkeyPtr key = MakeKey();
  const X509Ptr leaf = Draft(options.common_name, key.get(), certificate_.get(), options.not_before,
                             options.not_after);
  Extend(leaf.get(), NID_ext_key_usage, options.usage);
  Extend(leaf.get(), NID_subject_alt_name, options.alternative_name);
  Require(X509_sign(leaf.get(), key_.get(), EVP_sha256()) > 0, "sign a certificate");
  return {.certificate = PemOf(leaf.get()),
          .private_key = PemOf([&key](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

std::string TestCa::Crl(const CrlOptions& options) const {
  const CrlPtr crl(X509_CRL_new());
  X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(certificate_.get()));
  X509_CRL_set1_lastUpdate(crl.get(), ToAsn1(options.last_update).get());
  if (options.next_update != absl::InfiniteFuture()) {
    X509_CRL_set1_nextUpdate(crl.get(), ToAsn1(options.next_update).get());
  }
  for (const std::string& pem : options.revoked) {
    const auto certificates = ParsePemCertificates(pem);
    Require(certificates.ok(), "read what is revoked");
    X509_REVOKED* const entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificates->front().get()));
    X509_REVOKED_set_revocationDate(entry, ToAsn1(options.last_update).get());
    Require(X509_CRL_add0_revoked(crl.get(), entry) == 1, "revoke");
  }
  if (options.is_delta) {
    const std::unique_ptr<ASN1_INTEGER, OpensslDeleter<&ASN1_INTEGER_free>> base(
        ASN1_INTEGER_new());
    ASN1_INTEGER_set(base.get(), 1);
    Require(X509_CRL_add1_ext_i2d(crl.get(), NID_delta_crl, base.get(), /*crit=*/1, 0) == 1,
            "mark a delta CRL");
  }
  X509_CRL_sort(crl.get());
  Require(X509_CRL_sign(crl.get(), key_.get(), EVP_sha256()) > 0, "sign a CRL");
  return PemOf([&crl](BIO* bio) { return PEM_write_bio_X509_CRL(bio, crl.get()); });
}

std::string TestCa::certificate() const { return PemOf(certificate_.get()); }

}  // namespace keyward::testing
