#include "common/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace keyward {
namespace {

BioPtr MemoryBio(absl::string_view bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// A passphrase callback that has none: OpenSSL would ask at the terminal.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return -1; }

}  // namespace

absl::StatusOr<std::vector<X509Ptr>> ParsePemCertificates(absl::string_view pem) {
  const BioPtr bio = MemoryBio(pem);
  std::vector<X509Ptr> certificates;
  ForgetOpensslErrors();
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, &NoPassphrase, nullptr)) {
    certificates.emplace_back(certificate);
  }
  // Reading ends with "no start line" at the end of a good text.
  const auto last_error = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(last_error) == ERR_LIB_PEM && ERR_GET_REASON(last_error) == PEM_R_NO_START_LINE;
  ForgetOpensslErrors();
  if (!at_end) {
    return absl::InvalidArgumentError(certificates.empty()
                                          ? "holds no PEM certificate that can be read"
                                          : absl::StrCat("its PEM certificate number ",
                                                         certificates.size() + 1, " is malformed"));
  }
  if (certificates.empty()) return absl::InvalidArgumentError("holds no PEM certificate");
  return certificates;
}

absl::StatusOr<EvpPkeyPtr> ParsePemPrivateKey(absl::string_view pem) {
  const BioPtr bio = MemoryBio(pem);
  EvpPkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassphrase, nullptr));
  ForgetOpensslErrors();
  if (key == nullptr) {
    return absl::InvalidArgumentError("holds no PEM private key without a passphrase");
  }
  return key;
}

}  // namespace keyward
