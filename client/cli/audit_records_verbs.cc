// keyward audit tail, keyward audit export
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/audit_client.h"
#include "client/cli/audit_csv.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/utf8.h"
#include "signer/audit/audit_files.h"
#include "signer/audit/audit_filter.h"

namespace keyward::client {
namespace {

constexpr absl::Duration kPollInterval = absl::Seconds(1);
constexpr int kPageSize = 500;

struct Flags {
  signer::AuditFilter filter;
  std::string since;
  std::string until;
  std::vector<std::string> files;
  int last = 20;
  bool follow = false;
  std::string out;
};

// Takes a line; an error ends the reading.
using Take = std::function<absl::Status(absl::string_view line)>;

// "2026-01-31T12:00:00Z", or how long ago: "90m".
absl::StatusOr<std::optional<absl::Time>> ParseMoment(const std::string& text,
                                                      absl::string_view flag) {
  if (text.empty()) return std::nullopt;
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return time;
  absl::Duration ago;
  if (absl::ParseDuration(text, &ago) && ago >= absl::ZeroDuration()) return absl::Now() - ago;
  return UsageError(absl::StrCat(flag,
                                 " takes a time like 2026-01-31T12:00:00Z or how long ago, "
                                 "like 90m, not ",
                                 Shown(text)));
}

absl::StatusOr<signer::AuditFilter> FilterOf(const Flags& flags) {
  signer::AuditFilter filter = flags.filter;
  ASSIGN_OR_RETURN(filter.since, ParseMoment(flags.since, "--since"));
  ASSIGN_OR_RETURN(filter.until, ParseMoment(flags.until, "--until"));
  return filter;
}

void SetTime(absl::Time time, google::protobuf::Timestamp& out) {
  out.set_seconds(absl::ToUnixSeconds(time));
  out.set_nanos(
      static_cast<int32_t>((time - absl::FromUnixSeconds(out.seconds())) / absl::Nanoseconds(1)));
}

v1::ListAuditRecordsRequest RequestOf(const signer::AuditFilter& filter) {
  v1::ListAuditRecordsRequest request;
  request.set_page_size(kPageSize);
  request.set_connection(filter.connection);
  request.set_identity(filter.identity);
  request.set_method(filter.method);
  request.set_outcome(filter.outcome);
  request.set_reason(filter.reason);
  if (filter.since) SetTime(*filter.since, *request.mutable_since());
  if (filter.until) SetTime(*filter.until, *request.mutable_until());
  return request;
}

absl::StatusOr<std::unique_ptr<AuditClient>> Connect(const Cli& cli) {
  ASSIGN_OR_RETURN(const SignerClientOptions options, SignerOptions(cli));
  return AuditClient::New(options);
}

absl::Status ReadLocal(const Flags& flags, const signer::AuditFilter& filter, const Take& take) {
  ASSIGN_OR_RETURN(std::vector<signer::AuditFile> files, signer::OpenAuditFiles(flags.files));
  for (signer::AuditFile& file : files) {
    signer::LineReader reader(file.path, std::move(file.fd));
    while (true) {
      ASSIGN_OR_RETURN(const signer::LineReader::Line line, reader.Next());
      if (line.kind == signer::LineReader::Kind::kEnd) break;
      if (line.kind != signer::LineReader::Kind::kLine) continue;
      const auto start = signer::ParseLineStart(line.text);
      if (start && Matches(filter, line.text, *start)) RETURN_IF_ERROR(take(line.text));
    }
  }
  return absl::OkStatus();
}

// All from `request` on; with `follow` also what comes, until the process is ended.
absl::Status ReadRemote(AuditClient& client, v1::ListAuditRecordsRequest request, bool follow,
                        const Take& take) {
  while (true) {
    ASSIGN_OR_RETURN(const v1::ListAuditRecordsResponse page, client.ListRecords(request));
    for (const std::string& line : page.lines()) RETURN_IF_ERROR(take(line));
    const bool got_on = page.next_after_sequence() > request.after_sequence();
    request.set_after_sequence(page.next_after_sequence());
    request.set_last(0);
    if (page.at_end() && !follow) return absl::OkStatus();
    if (page.at_end() || !got_on) absl::SleepFor(kPollInterval);
  }
}

absl::Status TailLocal(const Flags& flags, const signer::AuditFilter& filter, const Take& take) {
  if (flags.follow) return UsageError("--follow asks the signer: leave out --file");
  std::deque<std::string> last;
  RETURN_IF_ERROR(ReadLocal(flags, filter, [&](absl::string_view line) {
    last.emplace_back(line);
    if (last.size() > static_cast<size_t>(flags.last)) last.pop_front();
    return absl::OkStatus();
  }));
  for (const std::string& line : last) RETURN_IF_ERROR(take(line));
  return absl::OkStatus();
}

absl::Status Tail(const Cli& cli, const Flags& flags) {
  ASSIGN_OR_RETURN(const signer::AuditFilter filter, FilterOf(flags));
  const Take take = [&](absl::string_view line) {
    return Print(absl::StrCat(cli.json() ? PrintableJson(line) : AuditText(line), "\n"));
  };
  if (!flags.files.empty()) return TailLocal(flags, filter, take);
  ASSIGN_OR_RETURN(const auto client, Connect(cli));
  v1::ListAuditRecordsRequest request = RequestOf(filter);
  request.set_last(flags.last);
  return ReadRemote(*client, request, flags.follow, take);
}

absl::Status Export(const Cli& cli, const Flags& flags) {
  if (cli.json()) return UsageError("export writes CSV; for JSON copy the log itself, or use tail");
  ASSIGN_OR_RETURN(const signer::AuditFilter filter, FilterOf(flags));
  FILE* out = flags.out.empty() ? stdout : std::fopen(flags.out.c_str(), "wex");
  if (out == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", flags.out));
  const auto write = [&](const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), out) == text.size()) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, "cannot write the export");
  };
  const Take take = [&](absl::string_view line) { return write(AuditCsvRow(line)); };
  const auto all = [&]() -> absl::Status {
    RETURN_IF_ERROR(write(AuditCsvHeader()));
    if (!flags.files.empty()) return ReadLocal(flags, filter, take);
    ASSIGN_OR_RETURN(const auto client, Connect(cli));
    return ReadRemote(*client, RequestOf(filter), /*follow=*/false, take);
  };
  absl::Status status = all();
  const bool flushed = out == stdout ? std::fflush(out) == 0 : std::fclose(out) == 0;
  if (status.ok() && !flushed) status = absl::ErrnoToStatus(errno, "cannot write the export");
  return status;
}

void AddFilter(CLI::App& verb, Flags& flags) {
  verb.add_option("--connection", flags.filter.connection, "only records of this connection");
  verb.add_option("--identity", flags.filter.identity, "only of this caller");
  verb.add_option("--method", flags.filter.method, "only of this call, like Sign");
  verb.add_option("--outcome", flags.filter.outcome, "only done or refused ones")
      ->check(CLI::IsMember({"done", "refused"}));
  verb.add_option("--reason", flags.filter.reason, "only with this reason");
  verb.add_option("--since", flags.since, "only from this time on, or so long ago: 90m");
  verb.add_option("--until", flags.until, "only before this time");
  verb.add_option("--file", flags.files, "read these files or directories in place of the signer")
      ->take_all();
}

}  // namespace

void AddAuditRecordVerbs(CLI::App& audit, Cli& cli) {
  const auto tail = std::make_shared<Flags>();
  CLI::App& tail_verb = AddVerb(audit, cli, "tail", "Print the last records, and those that come",
                                "keyward audit tail --follow --outcome refused",
                                [&cli, tail] { return Tail(cli, *tail); });
  AddFilter(tail_verb, *tail);
  tail_verb.add_option("-n,--lines", tail->last, "how many of the last (20)")
      ->check(CLI::Range(1, kPageSize));
  tail_verb.add_flag("--follow", tail->follow, "go on with records that come");
  const auto csv = std::make_shared<Flags>();
  CLI::App& export_verb =
      AddVerb(audit, cli, "export", "Write records as CSV",
              "keyward audit export --connection acme --since 720h --out acme.csv",
              [&cli, csv] { return Export(cli, *csv); });
  AddFilter(export_verb, *csv);
  export_verb.add_option("--out", csv->out, "new file to write in place of stdout");
}

}  // namespace keyward::client
