#include "client/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <openssl/pem.h>

#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/file.h"
#include "common/openssl.h"
#include "common/secret.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// After a refused connection gRPC waits before it tries another: shorter than
// its own second, so that a signer that restarts is found again at once.
constexpr int kReconnectMinMilliseconds = 100;
constexpr int kReconnectMaxMilliseconds = 5000;

absl::Status Invalid(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID", message);
}

// Otherwise gRPC would read "unix:/path" and the like as other ways to connect.
absl::Status CheckAddress(absl::string_view address) {
  const size_t colon = address.rfind(':');
  const absl::string_view host = address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  int port = 0;
  if (colon == absl::string_view::npos || host.empty() ||
      host.find_first_of(bracketed ? "/" : ":/[]") != absl::string_view::npos ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 1 || port > 65535) {
    return Invalid(absl::StrCat("the signer's address '", address,
                                "' must be host:port, like 127.0.0.1:7443"));
  }
  return absl::OkStatus();
}

absl::StatusOr<X509Ptr> ParseCertificate(const std::string& pem, const std::string& path) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) {
    return Invalid(absl::StrCat(path, " holds no PEM certificate", OpensslError("").message()));
  }
  return certificate;
}

// No prompt on the terminal for a passphrase.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return -1; }

absl::StatusOr<EvpPkeyPtr> ParsePrivateKey(const std::string& pem, const std::string& path) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  EvpPkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassphrase, nullptr));
  if (key == nullptr) {
    return Invalid(absl::StrCat(path, " holds no PEM private key without a passphrase",
                                OpensslError("").message()));
  }
  return key;
}

absl::StatusOr<std::string> ReadPem(const std::string& path, absl::string_view what) {
  absl::StatusOr<std::string> pem = ReadFile(path);
  if (!pem.ok()) return Annotate(pem.status(), what);
  return pem;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> NewChannel(const SignerClientOptions& options) {
  RETURN_IF_ERROR(CheckAddress(options.signer));
  grpc::SslCredentialsOptions tls;
  absl::Cleanup wipe = [&] { WipeString(tls.pem_private_key); };
  ASSIGN_OR_RETURN(tls.pem_root_certs, ReadPem(options.ca_file, "CA of the signer"));
  ASSIGN_OR_RETURN(tls.pem_cert_chain, ReadPem(options.certificate_file, "client certificate"));
  const absl::StatusOr<Secret> pem = ReadSecretFile(options.private_key_file);
  if (!pem.ok()) return Annotate(pem.status(), "private key");
  tls.pem_private_key = std::string(pem->Expose());
  RETURN_IF_ERROR(ParseCertificate(tls.pem_root_certs, options.ca_file).status());
  ASSIGN_OR_RETURN(const X509Ptr certificate,
                   ParseCertificate(tls.pem_cert_chain, options.certificate_file));
  ASSIGN_OR_RETURN(const EvpPkeyPtr key,
                   ParsePrivateKey(tls.pem_private_key, options.private_key_file));
  // The handshake would fail without a word about why.
  if (X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0) {
    return Invalid(absl::StrCat(options.certificate_file,
                                " has expired; have a new client certificate issued"));
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    OpensslError("").IgnoreError();
    return Invalid(absl::StrCat(options.private_key_file, " is not the private key of ",
                                options.certificate_file));
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMinMilliseconds);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMilliseconds);
  // The signer is in our own network; no HTTP proxy of the environment is.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(options.signer, grpc::SslCredentials(tls), arguments);
}

}  // namespace keyward::client
