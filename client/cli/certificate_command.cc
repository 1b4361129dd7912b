// keyward certificate …
#include <openssl/pem.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "client/cli/pem.h"
#include "common/error.h"
#include "common/file.h"
#include "common/openssl.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// What Salesforce takes as an upload.
constexpr size_t kSalesforceLimit = 4096;

struct Options {
  std::string name;
  std::optional<uint32_t> version;
  std::string out;
  bool der = false;
  bool no_chain = false;
  uint32_t days = 0;
};

absl::StatusOr<std::string> ToFile(const v1::Certificate& certificate, const Options& options) {
  if (!ParseCertificate(certificate.der()).ok()) {
    return Error(absl::StatusCode::kInternal, "CERTIFICATE_MALFORMED",
                 "the signer sent no X.509 certificate: check its version");
  }
  if (options.der) {
    if (certificate.der().size() <= kSalesforceLimit) return certificate.der();
    return Error(absl::StatusCode::kFailedPrecondition, "CERTIFICATE_TOO_LONG",
                 absl::StrCat("the certificate has ", certificate.der().size(),
                              " bytes as DER, and Salesforce takes at most ", kSalesforceLimit,
                              "; have the CA issue one with fewer names and extensions"));
  }
  ASSIGN_OR_RETURN(std::string pem, ToPem(PEM_STRING_X509, certificate.der()));
  if (options.no_chain) return pem;
  for (const std::string& above : certificate.chain_der()) {
    ASSIGN_OR_RETURN(const std::string more, ToPem(PEM_STRING_X509, above));
    pem += more;
  }
  return pem;
}

absl::Status PrintCertificate(const Cli& cli, const v1::Certificate& certificate,
                              const Options& options) {
  ASSIGN_OR_RETURN(const std::string contents, ToFile(certificate, options));
  if (!options.out.empty()) RETURN_IF_ERROR(WriteFile(options.out, contents, 0644));

  // Of the bytes that came, not the one that was sent along.
  const std::string fingerprint = HexSha256(certificate.der());
  if (cli.json()) {
    nlohmann::ordered_json json = {
        {"connection", options.name},
        {"key_version", certificate.key_version()},
        {"sha256_fingerprint", fingerprint},
        {"not_before", TimeText(certificate.has_not_before(), certificate.not_before())},
        {"not_after", TimeText(certificate.has_not_after(), certificate.not_after())}};
    if (options.out.empty()) json["pem"] = contents;
    return PrintJson(json);
  }
  std::cerr << "certificate of " << Plain(options.name) << ", key version "
            << certificate.key_version() << ", SHA-256 fingerprint " << fingerprint << "\n";
  if (contents.size() > kSalesforceLimit) {
    std::cerr << "this is " << contents.size() << " bytes, and Salesforce takes at most "
              << kSalesforceLimit << ": upload what "
              << (certificate.chain_der_size() > 0 && !options.no_chain ? "--no-chain or " : "")
              << "--der writes\n";
  }
  return options.out.empty() ? Print(contents) : absl::OkStatus();
}

absl::Status Download(const Cli& cli, const Options& options) {
  RETURN_IF_ERROR(CheckBytesGoToFile(cli, options.der, options.out));
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const v1::Certificate certificate,
                   signer->GetCertificate(options.name, options.version));
  return PrintCertificate(cli, certificate, options);
}

absl::Status Renew(const Cli& cli, const Options& options) {
  RETURN_IF_ERROR(CheckBytesGoToFile(cli, options.der, options.out));
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const v1::Certificate certificate,
                   signer->RenewCertificate(options.name, options.version, options.days));
  RETURN_IF_ERROR(PrintCertificate(cli, certificate, options));
  if (!cli.json()) {
    std::cerr << "upload it in place of the one before, which its app goes on accepting until "
                 "then\n";
  }
  return absl::OkStatus();
}

void AddFileOptions(CLI::App& verb, Options& options) {
  AddKeyVersion(verb, options.name, options.version);
  verb.add_option("--out", options.out, "file to write (mode 0644) in place of stdout");
  verb.add_flag("--der", options.der, "DER of the certificate alone in place of PEM");
  verb.add_flag("--no-chain", options.no_chain,
                "leave out the certificates of the CAs that issued it");
}

}  // namespace

void AddCertificateCommands(CLI::App& app, Cli& cli) {
  CLI::App& noun = AddNoun(app, "certificate", "Certificates to upload to Salesforce",
                           "keyward certificate download acme --out acme.crt");
  const auto options = std::make_shared<Options>();
  CLI::App& download =
      AddVerb(noun, cli, "download", "Write a key version's certificate, its fingerprint to stderr",
              "keyward certificate download acme --out acme.crt",
              [&cli, options] { return Download(cli, *options); });
  AddFileOptions(download, *options);
  CLI::App& renew =
      AddVerb(noun, cli, "renew",
              "Issue a new self-signed certificate for the same key, in place of the one before",
              "keyward certificate renew acme --days 365 --out acme.crt",
              [&cli, options] { return Renew(cli, *options); });
  AddFileOptions(renew, *options);
  renew
      .add_option("--days", options->days, "how long it is valid; without it as the signer is set")
      ->check(CLI::Range(1U, 3650U));
}

}  // namespace keyward::client
