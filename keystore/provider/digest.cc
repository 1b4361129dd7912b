#include "keystore/provider/digest.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/openssl.h"
#include "keystore/provider/provider_error.h"

namespace keyward::provider {

using pkcs11::HashAlgorithm;

absl::StatusOr<HashAlgorithm> DigestNamed(OSSL_LIB_CTX* library_context, const std::string& name) {
  ERR_set_mark();
  const std::unique_ptr<EVP_MD, OpensslDeleter<&EVP_MD_free>> digest(
      EVP_MD_fetch(library_context, name.c_str(), nullptr));
  ERR_pop_to_mark();
  for (const HashAlgorithm known :
       {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
    if (digest != nullptr && EVP_MD_is_a(digest.get(), NameOf(known)) == 1) return known;
  }
  return ProviderError(Reason::kDigestUnknown,
                       absl::StrCat("keyward does not sign with the digest \"", name,
                                    "\"; use SHA256, SHA384 or SHA512"));
}

const char* NameOf(HashAlgorithm digest) {
  switch (digest) {
    case HashAlgorithm::kSha256:
      return "SHA256";
    case HashAlgorithm::kSha384:
      return "SHA384";
    case HashAlgorithm::kSha512:
      return "SHA512";
  }
  return "";
}

}  // namespace keyward::provider
