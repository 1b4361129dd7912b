#include "tests/keystore/pkcs11/token_fixture.h"

#include <stdlib.h>

#include <cstdio>
#include <iterator>
#include <utility>

#include "common/file.h"

namespace keyward::pkcs11 {
namespace {

template <typename T>
T OrDie(absl::StatusOr<T> result) {
  if (!result.ok()) {
    fprintf(stderr, "%s\n", result.status().ToString().c_str());
    abort();
  }
  return *std::move(result);
}

}  // namespace

TokenOptions OptionsFor(const std::string& module, const std::string& pin, int* pin_reads) {
  return {.module_path = module,
          .uri = OrDie(TokenUri::Parse(std::string("pkcs11:token=") + kTokenLabel)),
          .read_pin = [pin, pin_reads]() -> absl::StatusOr<Secret> {
            if (pin_reads != nullptr) ++*pin_reads;
            return Secret(std::string(pin));
          },
          .pin_source = "file /test/pin"};
}

CK_OBJECT_HANDLE MakeOddKey(const Session& session, absl::string_view key_id, const OddKey& odd) {
  OddKey values = odd;
  CK_BBOOL yes = CK_TRUE;
  CK_BYTE exponent[] = {1, 0, 1};
  CK_ATTRIBUTE id = {CKA_ID, const_cast<char*>(key_id.data()), key_id.size()};
  CK_ATTRIBUTE public_template[] = {{CKA_TOKEN, &yes, 1},
                                    {CKA_VERIFY, &yes, 1},
                                    {CKA_MODULUS_BITS, &values.bits, sizeof(values.bits)},
                                    {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)},
                                    id};
  CK_ATTRIBUTE private_template[] = {{CKA_TOKEN, &yes, 1},
                                     {CKA_PRIVATE, &yes, 1},
                                     {CKA_SENSITIVE, &values.sensitive, 1},
                                     {CKA_EXTRACTABLE, &values.extractable, 1},
                                     {CKA_SIGN, &values.sign, 1},
                                     {CKA_DECRYPT, &values.decrypt, 1},
                                     id};
  CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, nullptr, 0};
  CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
  if (session.functions().C_GenerateKeyPair(
          session.handle(), &mechanism, public_template, std::size(public_template),
          private_template, std::size(private_template), &public_key, &private_key) != CKR_OK) {
    abort();
  }
  return private_key;
}

CK_OBJECT_HANDLE MakeEcKey(const Session& session, absl::string_view key_id,
                           absl::string_view curve, CK_OBJECT_HANDLE* public_key) {
  // The curves' object identifiers in DER (RFC 5480 section 2.1.1.1).
  std::string oid = curve == "P-256" ? "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
                                     : std::string("\x06\x05\x2b\x81\x04\x00\x22", 7);
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  CK_ATTRIBUTE id = {CKA_ID, const_cast<char*>(key_id.data()), key_id.size()};
  CK_ATTRIBUTE public_template[] = {
      {CKA_TOKEN, &yes, 1}, {CKA_VERIFY, &yes, 1}, {CKA_EC_PARAMS, oid.data(), oid.size()}, id};
  CK_ATTRIBUTE private_template[] = {{CKA_TOKEN, &yes, 1},     {CKA_PRIVATE, &yes, 1},
                                     {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1},
                                     {CKA_SIGN, &yes, 1},      id};
  CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, nullptr, 0};
  CK_OBJECT_HANDLE made_public = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
  if (session.functions().C_GenerateKeyPair(
          session.handle(), &mechanism, public_template, std::size(public_template),
          private_template, std::size(private_template), &made_public, &private_key) != CKR_OK) {
    abort();
  }
  if (public_key != nullptr) *public_key = made_public;
  return private_key;
}

std::unique_ptr<SessionPool> TokenTest::OpenPool(const SessionPoolOptions& options,
                                                 const std::string& module) {
  return OrDie(SessionPool::New(OrDie(Token::New(OptionsFor(module))), options));
}

std::string TokenTest::MakeKey(SessionPool& pool, TokenKeyPair* pair) {
  std::string key_id = OrDie(NewKeyId());
  SessionLease lease = OrDie(pool.TakeForAdministration(Soon()));
  TokenKeyPair made = OrDie(GenerateRsaKeyPair(lease.session(), "keyward/acme/1", key_id, 2048));
  pool.AddKey(lease, key_id, made);
  if (pair != nullptr) *pair = std::move(made);
  return key_id;
}

FaultyTokenTest::FaultyTokenTest() {
  setenv("KEYWARD_FAULTY_REAL", testing::kSoftHsmModule, 1);
  setenv("KEYWARD_FAULTY_SCRIPT", dir_.File("script").c_str(), 1);
}

FaultyTokenTest::~FaultyTokenTest() {
  unsetenv("KEYWARD_FAULTY_REAL");
  unsetenv("KEYWARD_FAULTY_SCRIPT");
}

void FaultyTokenTest::SetFaults(const std::string& script) const {
  if (!WriteFile(dir_.File("script"), script).ok()) abort();
}

}  // namespace keyward::pkcs11
