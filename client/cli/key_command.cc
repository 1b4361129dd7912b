// keyward key …
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "common/certificate_expiry.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

std::string CertificateText(const v1::KeyVersion& version, absl::Time now) {
  if (!version.has_certificate_not_after()) return "";
  return CertificateStatusText(absl::FromUnixSeconds(version.certificate_not_after().seconds()),
                               now);
}

// A line on standard error for each version whose certificate is near its end. Those
// that sign nothing may let it pass.
void WarnOfCertificates(const std::vector<v1::KeyVersion>& versions, absl::Time now) {
  for (const v1::KeyVersion& version : versions) {
    const bool may_sign = version.state() == v1::KeyVersion::PENDING ||
                          version.state() == v1::KeyVersion::ACTIVE ||
                          version.state() == v1::KeyVersion::RETIRING;
    if (!may_sign || !version.has_certificate_not_after()) continue;
    const absl::Time not_after = absl::FromUnixSeconds(version.certificate_not_after().seconds());
    const CertificateStatus status = CertificateStatusAt(not_after, now);
    if (status == CertificateStatus::kOk) continue;
    const std::string name = Plain(version.connection());
    (void)fprintf(stderr,
                  "keyward: warning: the certificate of %s version %u %s; "
                  "keyward certificate renew %s --version %u, or ask its CA for another\n",
                  name.c_str(), version.number(),
                  status == CertificateStatus::kExpired
                      ? "has expired"
                      : CertificateStatusText(not_after, now).c_str(),
                  name.c_str(), version.number());
  }
}

absl::Status List(const Cli& cli, const std::string& name) {
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  ASSIGN_OR_RETURN(const std::vector<v1::KeyVersion> versions, signer->ListKeyVersions(name));
  const absl::Time now = absl::Now();
  WarnOfCertificates(versions, now);
  if (cli.json()) {
    auto array = nlohmann::ordered_json::array();
    for (const v1::KeyVersion& version : versions) array.push_back(ToJson(version));
    return PrintJson(array);
  }
  std::vector<std::vector<std::string>> rows = {{"VERSION", "STATE", "ALGORITHM", "BITS", "CREATED",
                                                 "CERTIFICATE UNTIL", "CERTIFICATE", "KID"}};
  for (const v1::KeyVersion& version : versions) {
    rows.push_back({absl::StrCat(version.number()), v1::KeyVersion::State_Name(version.state()),
                    version.algorithm(), absl::StrCat(version.key_bits()),
                    TimeText(version.has_create_time(), version.create_time()),
                    TimeText(version.has_certificate_not_after(), version.certificate_not_after()),
                    CertificateText(version, now), version.kid()});
  }
  return PrintTable(rows);
}

}  // namespace

void AddKeyCommands(CLI::App& app, Cli& cli) {
  CLI::App& noun = AddNoun(app, "key", "Key versions of a connection", "keyward key list acme");
  const auto name = std::make_shared<std::string>();
  CLI::App& list = AddVerb(noun, cli, "list", "List a connection's key versions",
                           "keyward key list acme", [&cli, name] { return List(cli, *name); });
  list.add_option("NAME", *name, "the connection's name")->required();
  AddKeyCertificateVerbs(noun, cli);
  AddKeyTokenVerbs(noun, cli);
}

}  // namespace keyward::client
