#include "tests/keystore/modules/other_tool_fixture.h"

#include <openssl/pem.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/rsa_public_key.h"
#include "tests/testing/subprocess.h"

namespace keyward::pkcs11 {

OtherToolTest::OtherToolTest() {
  const std::unique_ptr<SessionPool> pool = OpenPool();
  TokenKeyPair pair;
  key_id_ = MakeKey(*pool, &pair);
  public_key_ = *MakeRsaPublicKey(pair.modulus, pair.public_exponent);
}

std::string OtherToolTest::Uri(absl::string_view type) const {
  std::string id;
  for (const char byte : key_id_) {
    absl::StrAppend(&id, "%", absl::BytesToHexString(absl::string_view(&byte, 1)));
  }
  return absl::StrCat("pkcs11:token=", kTokenLabel, ";id=", id, ";type=", type);
}

void OtherToolTest::WritePublicKey(const std::string& file) const {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  ASSERT_EQ(PEM_write_bio_PUBKEY(memory.get(), public_key_.get()), 1);
  const char* text = nullptr;
  const auto length = BIO_get_mem_data(memory.get(), &text);
  ASSERT_TRUE(WriteFile(file, absl::string_view(text, static_cast<size_t>(length))).ok());
}

void OtherToolTest::ExpectOpensslVerifies(const std::string& message_file,
                                          const std::string& signature_file) const {
  const std::string key_file = files_.File("ours.pem");
  ASSERT_NO_FATAL_FAILURE(WritePublicKey(key_file));
  const testing::Finished verified =
      testing::Run({"openssl", "dgst", "-sha256", "-verify", key_file, "-signature", signature_file,
                    message_file});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

}  // namespace keyward::pkcs11
