#include "client/cli/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/file.h"
#include "common/openssl.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

template <auto kFree>
using OpensslBytes = std::unique_ptr<unsigned char, OpensslDeleter<kFree>>;

void FreeBytes(unsigned char* bytes) { OPENSSL_free(bytes); }
void FreeText(char* text) { OPENSSL_free(text); }

absl::Status FileInvalid(const std::string& path, absl::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, "CERTIFICATE_FILE_INVALID",
               absl::StrCat(path, " ", what));
}

absl::StatusOr<std::vector<std::string>> ParsePem(const std::string& path,
                                                  const std::string& text) {
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (bio == nullptr) return OpensslError("cannot read PEM");
  std::vector<std::string> certificates;
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;  // NOLINT(google-runtime-int): OpenSSL's type
    if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) break;
    const std::unique_ptr<char, OpensslDeleter<&FreeText>> owned_name(name);
    const std::unique_ptr<char, OpensslDeleter<&FreeText>> owned_header(header);
    const OpensslBytes<&FreeBytes> owned_data(data);
    const absl::string_view label = name;
    if (absl::EndsWith(label, "PRIVATE KEY")) {
      return FileInvalid(path, "holds a private key; give a file with certificates alone");
    }
    if (label != PEM_STRING_X509 && label != PEM_STRING_X509_OLD) {
      return FileInvalid(path, absl::StrCat("holds a ", label, "; certificates are wanted"));
    }
    certificates.emplace_back(reinterpret_cast<char*>(data), static_cast<size_t>(size));
  }
  // The end of the file is an error to OpenSSL, and the only one that is none.
  const unsigned long error = ERR_peek_last_error();  // NOLINT(google-runtime-int)
  ERR_clear_error();
  if (ERR_GET_REASON(error) != PEM_R_NO_START_LINE) return FileInvalid(path, "is damaged PEM");
  return certificates;
}

}  // namespace

absl::StatusOr<std::string> ToPem(const char* label, absl::string_view der) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  char* text = nullptr;
  if (bio == nullptr ||
      PEM_write_bio(bio.get(), label, "", reinterpret_cast<const unsigned char*>(der.data()),
                    static_cast<long>(der.size())) <= 0) {  // NOLINT(google-runtime-int)
    return OpensslError("cannot write PEM");
  }
  const long size = BIO_get_mem_data(bio.get(), &text);  // NOLINT(google-runtime-int)
  return std::string(text, static_cast<size_t>(size));
}

absl::StatusOr<std::vector<std::string>> ReadCertificates(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string contents, ReadFile(path));
  if (!absl::StrContains(contents, "-----BEGIN ")) {
    if (ParseCertificate(contents).ok()) return std::vector<std::string>{contents};
    return FileInvalid(path, "holds no X.509 certificate, neither PEM nor DER");
  }
  ASSIGN_OR_RETURN(std::vector<std::string> certificates, ParsePem(path, contents));
  if (certificates.empty()) return FileInvalid(path, "holds no X.509 certificate");
  return certificates;
}

}  // namespace keyward::client
