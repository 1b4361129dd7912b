// keyward key csr, import-certificate
#include <openssl/pem.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "client/cli/pem.h"
#include "common/file.h"
#include "common/fingerprints.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

struct CsrOptions {
  std::string name;
  std::optional<uint32_t> version;
  std::string common_name, organization, organizational_unit, country, state, locality;
  std::vector<std::string> dns, email, uri, ip;
  std::string out;
  bool der = false;
};

struct ImportOptions {
  std::string name;
  std::optional<uint32_t> version;
  std::string certificate;
  std::vector<std::string> chain;
};

v1::CreateCertificateRequestRequest RequestOf(const CsrOptions& options) {
  v1::CreateCertificateRequestRequest request;
  request.set_connection(options.name);
  if (options.version) request.set_key_version(*options.version);
  v1::CertificateSubject& subject = *request.mutable_subject();
  subject.set_common_name(options.common_name.empty() ? options.name : options.common_name);
  subject.set_organization(options.organization);
  subject.set_organizational_unit(options.organizational_unit);
  subject.set_country(options.country);
  subject.set_state(options.state);
  subject.set_locality(options.locality);
  v1::SubjectAltNames& names = *request.mutable_subject_alt_names();
  names.mutable_dns()->Assign(options.dns.begin(), options.dns.end());
  names.mutable_email()->Assign(options.email.begin(), options.email.end());
  names.mutable_uri()->Assign(options.uri.begin(), options.uri.end());
  names.mutable_ip()->Assign(options.ip.begin(), options.ip.end());
  return request;
}

absl::Status Csr(const Cli& cli, const CsrOptions& options) {
  RETURN_IF_ERROR(CheckBytesGoToFile(cli, options.der, options.out));
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const v1::CreateCertificateRequestResponse response,
                   signer->CreateCertificateRequest(RequestOf(options)));
  ASSIGN_OR_RETURN(const std::string pem, ToPem(PEM_STRING_X509_REQ, response.der()));
  const std::string& contents = options.der ? response.der() : pem;
  if (!options.out.empty()) RETURN_IF_ERROR(WriteFile(options.out, contents, 0644));
  if (cli.json()) {
    nlohmann::ordered_json json = {{"connection", options.name},
                                   {"key_version", response.key_version()}};
    if (options.out.empty()) json["pem"] = pem;
    return PrintJson(json);
  }
  std::cerr << "signing request of " << Plain(options.name) << ", key version "
            << response.key_version()
            << "; when the CA has issued the certificate, run keyward key "
            << "import-certificate " << Plain(options.name) << " FILE --version "
            << response.key_version() << "\n";
  return options.out.empty() ? Print(contents) : absl::OkStatus();
}

absl::Status Import(const Cli& cli, const ImportOptions& options) {
  ASSIGN_OR_RETURN(std::vector<std::string> certificates, ReadCertificates(options.certificate));
  for (const std::string& file : options.chain) {
    ASSIGN_OR_RETURN(const std::vector<std::string> more, ReadCertificates(file));
    certificates.insert(certificates.end(), more.begin(), more.end());
  }
  const std::string leaf = certificates.front();
  certificates.erase(certificates.begin());
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(
      const v1::Certificate imported,
      signer->ImportCertificate(options.name, options.version.value_or(0), leaf, certificates));
  ASSIGN_OR_RETURN(const Fingerprints fingerprints, FingerprintsOf(imported.der()));
  const std::string until = TimeText(imported.has_not_after(), imported.not_after());
  if (cli.json()) {
    return PrintJson({{"connection", options.name},
                      {"key_version", imported.key_version()},
                      {"sha1_fingerprint", fingerprints.sha1},
                      {"sha256_fingerprint", fingerprints.sha256},
                      {"chain", imported.chain_der_size()},
                      {"not_after", until}});
  }
  return PrintTable({{"CONNECTION", options.name},
                     {"KEY VERSION", std::to_string(imported.key_version())},
                     {"SHA-1", fingerprints.sha1},
                     {"SHA-256", fingerprints.sha256},
                     {"CERTIFICATES ABOVE", std::to_string(imported.chain_der_size())},
                     {"VALID UNTIL", until}});
}

void AddCsr(CLI::App& key, Cli& cli) {
  const auto options = std::make_shared<CsrOptions>();
  CLI::App& csr = AddVerb(
      key, cli, "csr", "Make a certificate signing request for a CA of yours",
      "keyward key csr acme --version 1 --organization 'Acme Inc' --country US --out acme.csr",
      [&cli, options] { return Csr(cli, *options); });
  AddKeyVersion(csr, options->name, options->version);
  const char* subject = "Subject";
  csr.add_option("--common-name", options->common_name, "CN; without it the connection's name")
      ->group(subject);
  csr.add_option("--organization", options->organization, "O")->group(subject);
  csr.add_option("--organizational-unit", options->organizational_unit, "OU")->group(subject);
  csr.add_option("--country", options->country, "C: two letters")->group(subject);
  csr.add_option("--state", options->state, "ST: state or province")->group(subject);
  csr.add_option("--locality", options->locality, "L: town")->group(subject);
  const char* names = "Subject alternative names (repeat for more)";
  csr.add_option("--dns", options->dns, "DNS name")->allow_extra_args(false)->group(names);
  csr.add_option("--email", options->email, "mail address")->allow_extra_args(false)->group(names);
  csr.add_option("--uri", options->uri, "URI")->allow_extra_args(false)->group(names);
  csr.add_option("--ip", options->ip, "IPv4 or IPv6 address")
      ->allow_extra_args(false)
      ->group(names);
  csr.add_option("--out", options->out, "file to write (mode 0644) in place of stdout");
  csr.add_flag("--der", options->der, "DER in place of PEM");
}

void AddImport(CLI::App& key, Cli& cli) {
  const auto options = std::make_shared<ImportOptions>();
  CLI::App& import = AddVerb(
      key, cli, "import-certificate", "Store the certificate that a CA issued for a key version",
      "keyward key import-certificate acme acme.pem --version 1 --chain ca.pem",
      [&cli, options] { return Import(cli, *options); });
  AddKeyVersion(import, options->name, options->version);
  import.get_option("--version")->required()->description("key version");
  import
      .add_option("FILE", options->certificate,
                  "the certificate, PEM or DER; in PEM those above it may follow")
      ->required();
  import
      .add_option("--chain", options->chain, "PEM or DER: certificates above it; repeat for more")
      ->allow_extra_args(false);
}

}  // namespace

void AddKeyCertificateVerbs(CLI::App& key, Cli& cli) {
  AddCsr(key, cli);
  AddImport(key, cli);
}

}  // namespace keyward::client
