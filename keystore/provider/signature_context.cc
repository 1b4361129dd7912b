#include "keystore/provider/signature_context.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/bytes.h"
#include "common/status_macros.h"
#include "keystore/provider/digest.h"
#include "keystore/provider/ecdsa_signature.h"
#include "keystore/provider/error_queue.h"
#include "keystore/provider/provider_error.h"

namespace keyward::provider {
namespace {

using pkcs11::HashAlgorithm;
using pkcs11::SignatureScheme;

absl::StatusOr<HashAlgorithm> DigestOfLength(size_t bytes) {
  for (const HashAlgorithm digest :
       {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
    if (pkcs11::DigestBytes(digest) == bytes) return digest;
  }
  return ProviderError(Reason::kDigestWrongLength,
                       absl::StrCat("what is signed must be a digest of 32, 48 or 64 bytes, not ",
                                    bytes, "; hash it with SHA256, SHA384 or SHA512"));
}

}  // namespace

SignatureContext::SignatureContext(const ProviderContext& provider) : provider_(&provider) {}

absl::Status SignatureContext::Begin(const Key* key, Operation operation) {
  if (key != nullptr) key_ = CopyOf(*key);
  if (key_ == nullptr || key_->public_key == nullptr) {
    return ProviderError(Reason::kFailed, "no key was given to sign or verify with");
  }
  if (operation == Operation::kSign && key_->private_key == nullptr) {
    return ProviderError(Reason::kPrivateKeyMissing,
                         "the key is a public one; sign with the private key, type=private");
  }
  digest_.reset();
  hashing_.reset();
  padding_ = key_->type == KeyType::kRsaPss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
  salt_length_ = RSA_PSS_SALTLEN_AUTO;
  mgf1_digest_.reset();
  return absl::OkStatus();
}

absl::Status SignatureContext::SetDigest(absl::string_view name) {
  ASSIGN_OR_RETURN(digest_, DigestNamed(provider_->library_context(), std::string(name)));
  return absl::OkStatus();
}

absl::Status SignatureContext::BeginDigest(absl::string_view name) {
  const QuietQueue quiet;
  RETURN_IF_ERROR(SetDigest(name.empty() ? "SHA256" : name));
  hashing_.reset(EVP_MD_CTX_new());
  const std::unique_ptr<EVP_MD, OpensslDeleter<&EVP_MD_free>> digest(
      EVP_MD_fetch(provider_->library_context(), NameOf(*digest_), nullptr));
  if (hashing_ == nullptr || digest == nullptr ||
      EVP_DigestInit_ex2(hashing_.get(), digest.get(), nullptr) != 1) {
    return OpensslError("cannot start to hash");
  }
  return absl::OkStatus();
}

absl::Status SignatureContext::UpdateDigest(absl::string_view data) {
  const QuietQueue quiet;
  if (hashing_ == nullptr || EVP_DigestUpdate(hashing_.get(), data.data(), data.size()) != 1) {
    return OpensslError("cannot hash");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> SignatureContext::FinishDigest() {
  const QuietQueue quiet;
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (hashing_ == nullptr || EVP_DigestFinal_ex(hashing_.get(), digest, &length) != 1) {
    return OpensslError("cannot finish the hash");
  }
  return std::string(reinterpret_cast<const char*>(digest), length);
}

absl::StatusOr<size_t> SignatureContext::SaltBytes(size_t digest_bytes) const {
  // RFC 8017 section 9.1.1: emLen octets for emBits = modulus bits - 1.
  const auto encoded_bytes =
      (static_cast<size_t>(EVP_PKEY_get_bits(key_->public_key.get())) - 1 + 7) / 8;
  const bool fits = encoded_bytes >= digest_bytes + 2;
  const size_t longest = fits ? encoded_bytes - digest_bytes - 2 : 0;
  size_t wanted = longest;
  if (salt_length_ >= 0) wanted = static_cast<size_t>(salt_length_);
  if (salt_length_ == RSA_PSS_SALTLEN_DIGEST) wanted = digest_bytes;
  if (fits && wanted <= longest) return wanted;
  return ProviderError(
      Reason::kSaltTooLong,
      absl::StrCat("a PSS salt of ", wanted, " bytes does not fit beside a digest of ",
                   digest_bytes, " bytes in a signature of this key; at most ", longest, " do"));
}

absl::StatusOr<SignatureScheme> SignatureContext::Scheme(size_t digest_bytes) const {
  SignatureScheme scheme;
  if (key_->type == KeyType::kEc) {
    // ECDSA signs the bits of a digest, whatever its name (FIPS 186-5 section 6.4.1).
    ASSIGN_OR_RETURN(scheme.digest, DigestOfLength(digest_bytes));
    scheme.kind = SignatureScheme::Kind::kEcdsa;
    return scheme;
  }
  if (!digest_) {
    return ProviderError(Reason::kDigestUnknown,
                         "an RSA signature needs the digest's name: set SHA256, SHA384 or SHA512 "
                         "(pkeyutl -pkeyopt digest:sha256)");
  }
  scheme.digest = *digest_;
  scheme.kind = SignatureScheme::Kind::kRsaPkcs1;
  if (padding_ == RSA_PKCS1_PSS_PADDING) {
    scheme.kind = SignatureScheme::Kind::kRsaPss;
    scheme.mgf1_digest = mgf1_digest_.value_or(*digest_);
    ASSIGN_OR_RETURN(scheme.salt_bytes, SaltBytes(digest_bytes));
  }
  return scheme;
}

absl::StatusOr<std::string> SignatureContext::Sign(absl::string_view digest) const {
  const QuietQueue quiet;
  ASSIGN_OR_RETURN(const SignatureScheme scheme, Scheme(digest.size()));
  if (digest.size() != pkcs11::DigestBytes(scheme.digest)) {
    return ProviderError(
        Reason::kDigestWrongLength,
        absl::StrCat("a digest of ", NameOf(scheme.digest), " has ",
                     pkcs11::DigestBytes(scheme.digest), " bytes, not ", digest.size()));
  }
  ASSIGN_OR_RETURN(std::string signature, key_->private_key->SignDigest(scheme, digest));
  if (key_->type == KeyType::kEc) {
    ASSIGN_OR_RETURN(signature, EcdsaToDer(signature));
  }
  // A faulty RSA signature gives the key away, and a token may sign with another
  // key than the one that was meant.
  ASSIGN_OR_RETURN(const bool valid,
                   VerifyWith(scheme, static_cast<int>(scheme.salt_bytes), signature, digest));
  if (!valid) {
    return ProviderError(Reason::kTokenFailed,
                         "the token's signature does not verify with the key's public half; it "
                         "was thrown away");
  }
  return signature;
}

absl::StatusOr<bool> SignatureContext::Verify(absl::string_view signature,
                                              absl::string_view digest) const {
  const QuietQueue quiet;
  SignatureScheme scheme;
  int salt_length = salt_length_;
  if (padding_ == RSA_PKCS1_PSS_PADDING && salt_length_ == RSA_PSS_SALTLEN_AUTO && digest_) {
    // Any length is good, so none has to fit.
    scheme = {.kind = SignatureScheme::Kind::kRsaPss,
              .digest = *digest_,
              .mgf1_digest = mgf1_digest_.value_or(*digest_)};
  } else {
    ASSIGN_OR_RETURN(scheme, Scheme(digest.size()));
    salt_length = static_cast<int>(scheme.salt_bytes);
  }
  return VerifyWith(scheme, salt_length, signature, digest);
}

absl::StatusOr<bool> SignatureContext::VerifyWith(const SignatureScheme& scheme, int salt_length,
                                                  absl::string_view signature,
                                                  absl::string_view digest) const {
  const EvpPkeyCtxPtr context(
      EVP_PKEY_CTX_new_from_pkey(provider_->library_context(), key_->public_key.get(), nullptr));
  bool ready = context != nullptr && EVP_PKEY_verify_init(context.get()) == 1;
  const auto digest_of = [](HashAlgorithm hash) { return EVP_get_digestbyname(NameOf(hash)); };
  if (ready && scheme.kind != SignatureScheme::Kind::kEcdsa) {
    const bool pss = scheme.kind == SignatureScheme::Kind::kRsaPss;
    ready = EVP_PKEY_CTX_set_rsa_padding(context.get(),
                                         pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1 &&
            EVP_PKEY_CTX_set_signature_md(context.get(), digest_of(scheme.digest)) == 1;
    if (ready && pss) {
      ready = EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), salt_length) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), digest_of(scheme.mgf1_digest)) == 1;
    }
  }
  if (!ready) return OpensslError("cannot verify the signature");
  return EVP_PKEY_verify(context.get(), Bytes(signature), signature.size(), Bytes(digest),
                         digest.size()) == 1;
}

size_t SignatureContext::MaxSignatureBytes() const {
  return key_ == nullptr ? 0 : static_cast<size_t>(EVP_PKEY_get_size(key_->public_key.get()));
}

absl::StatusOr<std::unique_ptr<SignatureContext>> SignatureContext::Copy() const {
  const QuietQueue quiet;
  auto copy = std::make_unique<SignatureContext>(*provider_);
  if (key_ != nullptr) copy->key_ = CopyOf(*key_);
  copy->digest_ = digest_;
  copy->padding_ = padding_;
  copy->salt_length_ = salt_length_;
  copy->mgf1_digest_ = mgf1_digest_;
  if (hashing_ != nullptr) {
    copy->hashing_.reset(EVP_MD_CTX_new());
    if (copy->hashing_ == nullptr ||
        EVP_MD_CTX_copy_ex(copy->hashing_.get(), hashing_.get()) != 1) {
      return OpensslError("cannot copy the hash");
    }
  }
  return copy;
}

}  // namespace keyward::provider
