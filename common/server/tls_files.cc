#include "common/server/tls_files.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "common/openssl.h"
#include "common/pem.h"
#include "common/secret_file.h"
#include "common/server/client_crls.h"
#include "common/status_macros.h"

namespace keyward::server {
namespace {

constexpr char kCertificate[] = "tls.certificate";
constexpr char kPrivateKey[] = "tls.private_key";
constexpr char kClientCa[] = "tls.client_ca";
constexpr char kClientCrl[] = "tls.client_crl";

using SslCtxPtr = std::unique_ptr<SSL_CTX, OpensslDeleter<&SSL_CTX_free>>;

absl::Status CheckValidNow(const X509& certificate) {
  if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0) {
    return absl::FailedPreconditionError("is not valid yet: check it and the clock");
  }
  if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0) {
    return absl::FailedPreconditionError("has expired: have a new one issued");
  }
  return absl::OkStatus();
}

// What gRPC will do with the certificate, which fails for one that is too weak for OpenSSL's
// security level.
absl::Status CheckUsable(X509* certificate) {
  if (X509_check_purpose(certificate, X509_PURPOSE_SSL_SERVER, /*ca=*/0) != 1) {
    return absl::InvalidArgumentError(
        "is not for a TLS server (RFC 5280 section 4.2.1.12, serverAuth): clients would refuse it; "
        "have another one issued");
  }
  const SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return OpensslError("cannot make a TLS context");
  if (SSL_CTX_use_certificate(context.get(), certificate) == 1) return absl::OkStatus();
  return OpensslError("is not fit for TLS: have another one issued");
}

// gRPC takes texts that end at the first zero.
absl::Status CheckText(absl::string_view text) {
  if (text.find('\0') == absl::string_view::npos) return absl::OkStatus();
  return absl::InvalidArgumentError("has a zero byte, so it is no PEM file");
}

absl::StatusOr<std::string> ReadCertificates(const std::string& path) {
  RETURN_IF_ERROR(CheckReadable(path));
  // Reading from a FIFO could wait for ever.
  RETURN_IF_ERROR(CheckFileMode(path, /*forbidden=*/0));
  ASSIGN_OR_RETURN(std::string pem, ReadFile(path));
  RETURN_IF_ERROR(CheckText(pem));
  return pem;
}

absl::StatusOr<Secret> ReadPrivateKey(const std::string& path) {
  RETURN_IF_ERROR(CheckFileMode(path, S_IRWXG | S_IRWXO));
  ASSIGN_OR_RETURN(Secret pem, ReadSecretFile(path));
  RETURN_IF_ERROR(CheckText(pem.Expose()));
  return pem;
}

// The files, and what is wrong with them.
class Reading {
 public:
  explicit Reading(const TlsFiles& files)
      : files_(files),
        certificate_(ReadCertificates(files.certificate)),
        private_key_(ReadPrivateKey(files.private_key)),
        client_ca_(ReadCertificates(files.client_ca)),
        client_crl_(files.client_crl.empty() ? "" : ReadCertificates(files.client_crl)) {}

  bool Has(const TlsSet& set) const {
    return certificate_.ok() && *certificate_ == set.certificate && private_key_.ok() &&
           private_key_->Expose() == set.private_key.Expose() && client_ca_.ok() &&
           *client_ca_ == set.client_ca && client_crl_.ok() && *client_crl_ == set.client_crl;
  }

  // `known` is the set in use; may be null.
  void Check(const TlsSet* known) {
    auto chain = certificate_.ok() ? ParsePemCertificates(*certificate_) : certificate_.status();
    if (chain.ok()) CheckCertificate(*chain->front());
    Note(kCertificate, files_.certificate, chain.status());
    auto key =
        private_key_.ok() ? ParsePemPrivateKey(private_key_->Expose()) : private_key_.status();
    Note(kPrivateKey, files_.private_key, key.status());
    if (chain.ok() && key.ok() && X509_check_private_key(chain->front().get(), key->get()) != 1) {
      ERR_clear_error();
      Note(kPrivateKey, files_.private_key,
           absl::InvalidArgumentError("does not belong to the certificate in tls.certificate"));
    }
    auto authorities = client_ca_.ok() ? ParsePemCertificates(*client_ca_) : client_ca_.status();
    Note(kClientCa, files_.client_ca, authorities.status());
    if (!files_.client_crl.empty()) {
      Note(kClientCrl, files_.client_crl, CheckClientCrl(authorities, known));
    }
  }

  const std::vector<TlsMistake>& mistakes() const { return mistakes_; }

  // After Check() without mistakes, once.
  std::shared_ptr<const TlsSet> TakeSet() {
    return std::make_shared<const TlsSet>(TlsSet{*std::move(certificate_), *std::move(private_key_),
                                                 *std::move(client_ca_), *std::move(client_crl_),
                                                 not_after_, client_crl_end_});
  }

 private:
  void CheckCertificate(X509& certificate) {
    const absl::StatusOr<absl::Time> not_after = ToTime(X509_get0_notAfter(&certificate));
    absl::Status status = not_after.ok() ? CheckValidNow(certificate) : not_after.status();
    if (status.ok()) {
      not_after_ = *not_after;
      status = CheckUsable(&certificate);
    }
    Note(kCertificate, files_.certificate, status);
  }

  absl::Status CheckClientCrl(const absl::StatusOr<std::vector<X509Ptr>>& authorities,
                              const TlsSet* known) {
    RETURN_IF_ERROR(client_crl_.status());
    ASSIGN_OR_RETURN(const std::vector<X509CrlPtr> crls, ParsePemCrls(*client_crl_));
    if (!authorities.ok()) return absl::OkStatus();
    RETURN_IF_ERROR(CheckCrls(crls, *authorities, absl::Now()));
    if (known != nullptr && !known->client_crl.empty()) {
      ASSIGN_OR_RETURN(const std::vector<X509CrlPtr> in_use, ParsePemCrls(known->client_crl));
      RETURN_IF_ERROR(CheckNotOlder(crls, in_use));
    }
    ASSIGN_OR_RETURN(client_crl_end_, EarliestNextUpdate(crls));
    return absl::OkStatus();
  }

  void Note(const char* setting, const std::string& file, const absl::Status& status) {
    if (status.ok()) return;
    mistakes_.push_back({setting, file, std::string(status.message())});
  }

  const TlsFiles& files_;
  absl::StatusOr<std::string> certificate_;
  absl::StatusOr<Secret> private_key_;
  absl::StatusOr<std::string> client_ca_;
  absl::StatusOr<std::string> client_crl_;
  absl::Time not_after_;
  absl::Time client_crl_end_ = absl::InfiniteFuture();
  std::vector<TlsMistake> mistakes_;
};

}  // namespace

std::vector<TlsMistake> CheckTlsFiles(const TlsFiles& files) {
  Reading reading(files);
  reading.Check(/*known=*/nullptr);
  return reading.mistakes();
}

absl::StatusOr<std::shared_ptr<const TlsSet>> ReadTlsFiles(const TlsFiles& files,
                                                           std::shared_ptr<const TlsSet> known) {
  Reading reading(files);
  if (known != nullptr && reading.Has(*known)) return known;
  reading.Check(known.get());
  if (!reading.mistakes().empty()) {
    return absl::InvalidArgumentError(
        absl::StrJoin(reading.mistakes(), "; ", [](std::string* out, const TlsMistake& mistake) {
          absl::StrAppend(out, mistake.setting, ": ", mistake.file, ": ", mistake.what);
        }));
  }
  return reading.TakeSet();
}

}  // namespace keyward::server
