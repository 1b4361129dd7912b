// keyward certificate …
#include <openssl/pem.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "common/error.h"
#include "common/file.h"
#include "common/openssl.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// What OpenSSL counts bytes in.
using OpensslLong = long;  // NOLINT(google-runtime-int)

struct Options {
  std::string name;
  std::optional<uint32_t> version;
  std::string out;
  bool der = false;
};

absl::StatusOr<std::string> ToPem(const std::string& der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* end = bytes;
  const X509Ptr certificate(d2i_X509(nullptr, &end, static_cast<OpensslLong>(der.size())));
  if (certificate == nullptr || end != bytes + der.size()) {
    return Error(absl::StatusCode::kInternal, "CERTIFICATE_MALFORMED",
                 absl::StrCat("the signer sent no X.509 certificate: check its version ",
                              OpensslError("").message()));
  }
  const BioPtr bio(BIO_new(BIO_s_mem()));
  char* text = nullptr;
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate.get()) != 1) {
    return OpensslError("cannot write PEM");
  }
  const OpensslLong size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

absl::Status Download(const Cli& cli, const Options& options) {
  if (cli.json() && options.der && options.out.empty()) {
    return UsageError("--der with --output json needs --out: JSON holds no bytes");
  }
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const v1::Certificate certificate,
                   signer->GetCertificate(options.name, options.version));
  ASSIGN_OR_RETURN(const std::string pem, ToPem(certificate.der()));
  const std::string& contents = options.der ? certificate.der() : pem;
  if (!options.out.empty()) RETURN_IF_ERROR(WriteFile(options.out, contents, 0644));

  // Of the bytes that came, not the one that was sent along.
  const Sha256Digest digest = Sha256(certificate.der());
  const std::string fingerprint = absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
  if (cli.json()) {
    nlohmann::ordered_json json = {
        {"connection", options.name},
        {"key_version", certificate.key_version()},
        {"sha256_fingerprint", fingerprint},
        {"not_before", TimeText(certificate.has_not_before(), certificate.not_before())},
        {"not_after", TimeText(certificate.has_not_after(), certificate.not_after())}};
    if (options.out.empty()) json["pem"] = pem;
    return PrintJson(json);
  }
  std::cerr << "certificate of " << Plain(options.name) << ", key version "
            << certificate.key_version() << ", SHA-256 fingerprint " << fingerprint << "\n";
  return options.out.empty() ? Print(contents) : absl::OkStatus();
}

}  // namespace

void AddCertificateCommands(CLI::App& app, Cli& cli) {
  CLI::App& noun = AddNoun(app, "certificate", "Certificates to upload to Salesforce");
  const auto options = std::make_shared<Options>();
  CLI::App& download =
      AddVerb(noun, cli, "download", "Write a key version's certificate, its fingerprint to stderr",
              "keyward certificate download acme --out acme.crt",
              [&cli, options] { return Download(cli, *options); });
  download.add_option("NAME", options->name, "the connection's name")->required();
  download.add_option("--version", options->version, "key version; without it the ACTIVE one")
      ->check(CLI::Range(1U, std::numeric_limits<uint32_t>::max()));
  download.add_option("--out", options->out, "file to write (mode 0644) in place of stdout");
  download.add_flag("--der", options->der, "DER in place of PEM");
}

}  // namespace keyward::client
