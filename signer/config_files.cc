// CheckFiles() of signer/config.
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/openssl.h"
#include "common/secret.h"
#include "common/status_macros.h"
#include "common/yaml_reader.h"
#include "signer/config.h"

namespace keyward::signer {
namespace {

BioPtr MemoryBio(absl::string_view bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// A passphrase callback that has none: OpenSSL would ask at the terminal.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return -1; }

// Every certificate in `pem`, at least one.
absl::StatusOr<std::vector<X509Ptr>> ParseCertificates(absl::string_view pem) {
  const BioPtr bio = MemoryBio(pem);
  std::vector<X509Ptr> certificates;
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, &NoPassphrase, nullptr)) {
    certificates.emplace_back(certificate);
  }
  // Reading ends with "no start line" at the end of a good file.
  const auto last_error = ERR_peek_last_error();
  ERR_clear_error();
  if (certificates.empty()) return absl::InvalidArgumentError("holds no PEM certificate");
  if (ERR_GET_LIB(last_error) != ERR_LIB_PEM || ERR_GET_REASON(last_error) != PEM_R_NO_START_LINE) {
    return absl::InvalidArgumentError(
        absl::StrCat("its PEM certificate number ", certificates.size() + 1, " is malformed"));
  }
  return certificates;
}

absl::Status CheckValidNow(const X509& certificate) {
  if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0) {
    return absl::FailedPreconditionError("is not valid yet: check it and the clock");
  }
  if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0) {
    return absl::FailedPreconditionError("has expired: have a new one issued");
  }
  return absl::OkStatus();
}

absl::StatusOr<EvpPkeyPtr> ReadPrivateKey(const std::string& path) {
  RETURN_IF_ERROR(CheckPrivate(path));
  ASSIGN_OR_RETURN(const Secret pem, ReadSecretFile(path));
  const BioPtr bio = MemoryBio(pem.Expose());
  EvpPkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return absl::InvalidArgumentError("holds no PEM private key without a passphrase");
  }
  return key;
}

absl::Status CheckReadable(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError("is a directory");
  }
  if (access(path.c_str(), R_OK) != 0) return absl::ErrnoToStatus(errno, "cannot be read");
  return absl::OkStatus();
}

// A file that the signer writes: it is there and can be written, or its folder
// lets it be made.
absl::Status CheckWritable(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError("is a directory");
  }
  if (access(path.c_str(), F_OK) == 0) {
    if (access(path.c_str(), R_OK | W_OK) == 0) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, "cannot be written");
  }
  std::string folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  if (!std::filesystem::is_directory(folder, error)) {
    return absl::NotFoundError("its folder is not there: make it");
  }
  if (access(folder.c_str(), W_OK | X_OK) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "its folder does not let it be made");
}

class FileChecker {
 public:
  explicit FileChecker(const SignerConfig& config) : config_(config), mistakes_(config.file) {}

  absl::Status Check() {
    CheckTls();
    Note("token.module", config_.token.module, CheckReadable(config_.token.module));
    CheckPinSource();
    Note("registry.sqlite", config_.registry_sqlite, CheckWritable(config_.registry_sqlite));
    Note("audit.file", config_.audit_file, CheckWritable(config_.audit_file));
    Note("policy", config_.policy, CheckReadable(config_.policy));
    return mistakes_.ToStatus();
  }

 private:
  void Note(absl::string_view setting, absl::string_view file, const absl::Status& status) {
    if (status.ok()) return;
    const auto line = config_.lines.find(setting);
    mistakes_.Add(line == config_.lines.end() ? 1 : line->second, setting,
                  absl::StrCat(file, file.empty() ? "" : ": ", status.message()));
  }

  absl::StatusOr<std::vector<X509Ptr>> ReadCertificates(const std::string& path) {
    RETURN_IF_ERROR(CheckReadable(path));
    ASSIGN_OR_RETURN(const std::string pem, ReadFile(path));
    return ParseCertificates(pem);
  }

  void CheckTls() {
    const TlsConfig& tls = config_.tls;
    const auto chain = ReadCertificates(tls.certificate);
    Note("tls.certificate", tls.certificate,
         chain.ok() ? CheckValidNow(*chain->front()) : chain.status());
    const auto key = ReadPrivateKey(tls.private_key);
    Note("tls.private_key", tls.private_key, key.status());
    if (chain.ok() && key.ok() && X509_check_private_key(chain->front().get(), key->get()) != 1) {
      ERR_clear_error();
      Note("tls.private_key", tls.private_key,
           absl::InvalidArgumentError("does not belong to the certificate in tls.certificate"));
    }
    Note("tls.client_ca", tls.client_ca, ReadCertificates(tls.client_ca).status());
  }

  void CheckPinSource() {
    const PinSource& pin = config_.token.pin;
    const absl::string_view setting = pin.kind == PinSource::Kind::kFile ? "token.pin.file"
                                      : pin.kind == PinSource::Kind::kEnvironment
                                          ? "token.pin.environment"
                                          : "token.pin.credential";
    Note(setting, "", CheckPin(pin));
  }

  const SignerConfig& config_;
  YamlMistakes mistakes_;
};

}  // namespace

absl::Status CheckFiles(const SignerConfig& config) { return FileChecker(config).Check(); }

}  // namespace keyward::signer
