// keyward audit …
#include <openssl/pem.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/audit_client.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "client/cli/pem.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "signer/audit/audit_verifier.h"

namespace keyward::client {
namespace {

using Json = nlohmann::ordered_json;

struct VerifyFlags {
  std::vector<std::string> files;
  std::vector<std::string> certificates;
  std::vector<std::string> anchors;
  bool from_start = false;
  bool strict = false;
};

std::string AnchorText(const signer::VerifyReport::Record& record) {
  return absl::StrCat(record.sequence, ":", record.sha256);
}

Json ToJson(const signer::VerifyReport::Record& record) {
  return {
      {"sequence", record.sequence}, {"sha256", record.sha256}, {"time", TimeText(record.time)}};
}

double PerSecond(double amount, absl::Duration elapsed) {
  return amount / std::max(1e-6, absl::ToDoubleSeconds(elapsed));
}

Json ToJson(const signer::VerifyReport& report, bool ok) {
  Json json = {
      {"ok", ok}, {"files", report.files}, {"records", report.records}, {"bytes", report.bytes}};
  if (report.first) json["first"] = ToJson(*report.first);
  if (report.last) json["last"] = ToJson(*report.last);
  json["checkpoints"] = report.checkpoints;
  if (report.vouched) {
    json["last_checkpoint"] = ToJson(*report.vouched);
    json["anchor"] = AnchorText(*report.vouched);
  }
  json["unvouched_records"] = report.unvouched_records;
  json["failures"] = report.failures;
  json["warnings"] = report.warnings;
  json["findings"] = Json::array();
  for (const signer::Finding& finding : report.findings) {
    json["findings"].push_back({{"severity", std::string(SeverityName(finding.severity))},
                                {"kind", std::string(FindingName(finding.kind))},
                                {"file", finding.file},
                                {"line", finding.line},
                                {"sequence", finding.sequence},
                                {"message", finding.message}});
  }
  json["seconds"] = absl::ToDoubleSeconds(report.elapsed);
  return json;
}

std::string FindingLine(const signer::Finding& finding) {
  std::string place;
  if (!finding.file.empty()) place = absl::StrCat(Plain(finding.file), ":", finding.line, ": ");
  if (finding.sequence > 0) absl::StrAppend(&place, "record ", finding.sequence, ": ");
  return absl::StrCat(SeverityName(finding.severity), " ", FindingName(finding.kind), ": ", place,
                      Plain(finding.message), "\n");
}

std::string ToText(const signer::VerifyReport& report, bool ok) {
  std::string text;
  for (const signer::Finding& finding : report.findings) text += FindingLine(finding);
  const auto record = [](const std::optional<signer::VerifyReport::Record>& r) {
    return r ? absl::StrCat(r->sequence, " of ", TimeText(r->time)) : std::string("none");
  };
  absl::StrAppend(&text, "files        ", report.files, "\nrecords      ", report.records,
                  "\nfirst        ", record(report.first), "\nlast         ", record(report.last),
                  "\ncheckpoints  ", report.checkpoints, "\nunvouched    ",
                  report.unvouched_records, "\n");
  absl::StrAppendFormat(&text, "rate         %.0f records/s, %.0f MB/s\n",
                        PerSecond(static_cast<double>(report.records), report.elapsed),
                        PerSecond(static_cast<double>(report.bytes) / 1e6, report.elapsed));
  // Nobody should write down the end of a log that was tampered with.
  if (report.vouched && ok) absl::StrAppend(&text, "anchor ", AnchorText(*report.vouched), "\n");
  return absl::StrCat(text, ok ? "The log is whole.\n" : "The log is NOT whole.\n");
}

absl::Status Verify(const Cli& cli, const VerifyFlags& flags) {
  signer::VerifyOptions options;
  options.from_start = flags.from_start;
  for (const std::string& text : flags.anchors) {
    absl::StatusOr<signer::Anchor> anchor = signer::ParseAnchor(text);
    // A mistyped anchor must not look like a log that is not whole.
    if (!anchor.ok()) return UsageError(anchor.status().message());
    options.anchors.push_back(*std::move(anchor));
  }
  signer::CheckpointKeys keys;
  for (const std::string& file : flags.certificates) {
    ASSIGN_OR_RETURN(const std::string pem, ReadFile(file));
    const absl::Status added = keys.AddPem(pem);
    if (!added.ok()) {
      return Error(added.code(), *ReasonOf(added),
                   absl::StrCat(file, " ", std::string(added.message())));
    }
  }
  ASSIGN_OR_RETURN(const signer::VerifyReport report,
                   signer::VerifyAuditFiles(flags.files, keys, options));
  const bool ok = report.ok() && !(flags.strict && report.warnings > 0);
  RETURN_IF_ERROR(cli.json() ? PrintJson(ToJson(report, ok)) : Print(ToText(report, ok)));
  if (ok) return absl::OkStatus();
  return Error(absl::StatusCode::kDataLoss, "AUDIT_LOG_NOT_WHOLE",
               absl::StrCat("the audit log is not whole: ", report.failures, " failures, ",
                            report.warnings, " warnings"));
}

absl::StatusOr<std::unique_ptr<AuditClient>> Connect(const Cli& cli) {
  ASSIGN_OR_RETURN(const SignerClientOptions options, SignerOptions(cli));
  return AuditClient::New(options);
}

absl::Status Head(const Cli& cli) {
  ASSIGN_OR_RETURN(const auto client, Connect(cli));
  ASSIGN_OR_RETURN(const v1::AuditHead head, client->GetHead());
  const std::string anchor = absl::StrCat(head.sequence(), ":", head.sha256());
  if (!cli.json()) return Print(absl::StrCat(Plain(anchor), "\n"));
  Json json = {{"anchor", anchor}, {"sequence", head.sequence()}, {"sha256", head.sha256()}};
  if (head.checkpoint_sequence() > 0) {
    json["checkpoint"] = {{"sequence", head.checkpoint_sequence()},
                          {"sha256", head.checkpoint_sha256()},
                          {"time", TimeText(head.has_checkpoint_time(), head.checkpoint_time())}};
  }
  return PrintJson(json);
}

Json ToJson(const v1::Certificate& certificate, const std::string& pem) {
  return {{"key_version", certificate.key_version()},
          {"sha256_fingerprint", HexSha256(certificate.der())},
          {"not_before", TimeText(certificate.has_not_before(), certificate.not_before())},
          {"not_after", TimeText(certificate.has_not_after(), certificate.not_after())},
          {"pem", pem}};
}

absl::Status Certificates(const Cli& cli, const std::string& out) {
  ASSIGN_OR_RETURN(const auto client, Connect(cli));
  ASSIGN_OR_RETURN(const v1::ListAuditCertificatesResponse response, client->ListCertificates());
  std::string all;
  Json json = Json::array();
  for (const v1::Certificate& certificate : response.certificates()) {
    ASSIGN_OR_RETURN(const std::string pem, ToPem(PEM_STRING_X509, certificate.der()));
    all += pem;
    json.push_back(ToJson(certificate, pem));
  }
  if (!out.empty()) RETURN_IF_ERROR(WriteFile(out, all, 0644));
  if (cli.json()) return PrintJson(json);
  return out.empty() ? Print(all) : absl::OkStatus();
}

absl::Status Rotate(const Cli& cli, bool yes) {
  if (!yes)
    return UsageError("the audit key's version that signs now will sign no more: add --yes");
  ASSIGN_OR_RETURN(const auto client, Connect(cli));
  ASSIGN_OR_RETURN(const v1::Certificate certificate, client->RotateKey());
  ASSIGN_OR_RETURN(const std::string pem, ToPem(PEM_STRING_X509, certificate.der()));
  if (cli.json()) return PrintJson(ToJson(certificate, pem));
  std::cerr << "version " << certificate.key_version()
            << " signs the next checkpoints; keep its certificate with the others:\n";
  return Print(pem);
}

void AddVerify(CLI::App& noun, Cli& cli) {
  const auto flags = std::make_shared<VerifyFlags>();
  // Without the settings of a signer: it works offline, and --certificate is another.
  CLI::App& verb = *noun.add_subcommand(
      "verify", "Verify audit files offline; exit code 1 where they are not whole");
  verb.footer("Example:\n  keyward audit verify /var/log/keyward --certificate audit.pem");
  verb.callback([&cli, flags] { cli.action = [&cli, flags] { return Verify(cli, *flags); }; });
  verb.add_option("-o,--output", cli.output, "table for people, json for programs")
      ->check(CLI::IsMember({"table", "json"}));
  verb.add_option("FILES", flags->files, "files, or directories with *.jsonl in them")->required();
  verb.add_option("--certificate", flags->certificates,
                  "PEM file: certificates of the audit key; may be repeated")
      ->required()
      ->take_all();
  verb.add_option("--anchor", flags->anchors,
                  "SEQUENCE:SHA256 of a record that must be there; may be repeated")
      ->allow_extra_args(false);
  verb.add_flag("--from-start", flags->from_start, "the log must begin with record 1");
  verb.add_flag("--strict", flags->strict, "warnings count as failures");
}

}  // namespace

void AddAuditCommands(CLI::App& app, Cli& cli) {
  CLI::App& noun = AddNoun(app, "audit", "The signer's audit log",
                           "keyward audit verify /var/log/keyward --certificate audit.pem");
  AddVerify(noun, cli);
  AddAuditRecordVerbs(noun, cli);
  AddVerb(noun, cli, "head", "Print the log's end, an anchor to write down elsewhere",
          "keyward audit head >> anchors.txt", [&cli] { return Head(cli); });
  const auto out = std::make_shared<std::string>();
  CLI::App& certificate = AddVerb(
      noun, cli, "certificate", "Write the certificates of the audit key, as PEM",
      "keyward audit certificate --out audit.pem", [&cli, out] { return Certificates(cli, *out); });
  certificate.add_option("--out", *out, "file to write (mode 0644) in place of stdout");
  const auto yes = std::make_shared<bool>(false);
  CLI::App& rotate =
      AddVerb(noun, cli, "rotate-key", "Make a new version of the audit key",
              "keyward audit rotate-key --yes", [&cli, yes] { return Rotate(cli, *yes); });
  rotate.add_flag("--yes", *yes, "the version that signs now will sign no more");
}

}  // namespace keyward::client
