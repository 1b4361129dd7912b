#include "signer/audit/audit_verifier.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/status_macros.h"
#include "signer/audit/anchor_check.h"
#include "signer/audit/audit_files.h"
#include "signer/audit/audit_line.h"
#include "signer/audit/chain_check.h"
#include "signer/audit/checkpoint_check.h"
#include "signer/audit/finding_list.h"
#include "signer/audit/line_hasher.h"
#include "signer/audit/line_reader.h"

namespace keyward::signer {
namespace {

// Whether `path` ends as "audit-000000000001.jsonl" does (signer/audit/file_names.h).
bool IsClosedFileName(absl::string_view path) {
  constexpr size_t kDigits = 12;
  if (!absl::ConsumeSuffix(&path, ".jsonl")) return false;
  const size_t dash = path.rfind('-');
  if (dash == absl::string_view::npos || path.size() - dash - 1 < kDigits) return false;
  return std::all_of(path.begin() + static_cast<std::ptrdiff_t>(dash) + 1, path.end(),
                     [](unsigned char c) { return absl::ascii_isdigit(c); });
}

// One pass over one log.
class Verifier {
 public:
  Verifier(const CheckpointKeys& keys, const VerifyOptions& options)
      : findings_(options.max_findings),
        chain_(findings_, options.from_start),
        checkpoints_(findings_, keys, options),
        anchors_(findings_, options.anchors) {}

  // `path` outlives this.
  absl::Status AddFile(const std::string& path, UniqueFd fd, bool is_last);
  VerifyReport Finish();

 private:
  void AddLine(const LineReader::Line& line, const Place& place);
  void TellEmpty(const Place& place);
  void AddDamaged(FindingKind kind, const Place& place, std::string message);
  void AddUnfinished(const LineReader::Line& line, const Place& place, bool is_last);

  FindingList findings_;
  ChainCheck chain_;
  CheckpointCheck checkpoints_;
  AnchorCheck anchors_;
  LineHasher hasher_;
  VerifyReport report_;
  std::string last_time_;
  // Whether the file has no record yet.
  bool file_begins_ = true;
};

absl::Status Verifier::AddFile(const std::string& path, UniqueFd fd, bool is_last) {
  ++report_.files;
  file_begins_ = true;
  chain_.BeginFile();
  LineReader reader(path, std::move(fd));
  Place place{&path};
  while (true) {
    ASSIGN_OR_RETURN(const LineReader::Line line, reader.Next());
    if (line.kind == LineReader::Kind::kEnd) break;
    report_.bytes += line.text.size() + 1;
    ++place.line;
    switch (line.kind) {
      case LineReader::Kind::kTooLong:
        AddDamaged(FindingKind::kTooLongLine, place,
                   absl::StrCat("the line is longer than any record, ", kMaxLineBytes, " bytes"));
        break;
      case LineReader::Kind::kUnfinished:
        AddUnfinished(line, place, is_last);
        break;
      default:
        AddLine(line, place);
    }
  }
  if (file_begins_) TellEmpty(place);
  return absl::OkStatus();
}

// A file gets its number when it is closed, and has records by then. Cut down to nothing,
// the oldest one would look like one that is in an archive.
void Verifier::TellEmpty(const Place& place) {
  if (IsClosedFileName(*place.file)) {
    findings_.Fail(FindingKind::kEmptyFile, place,
                   "the file holds no record, and its name says that it did: it was emptied");
  } else if (place.line == 0) {
    findings_.Warn(FindingKind::kEmptyFile, place, "the file is empty: perhaps it was emptied");
  }
}

void Verifier::AddLine(const LineReader::Line& line, const Place& place) {
  const std::optional<LineStart> start = ParseLineStart(line.text);
  if (!start) {
    AddDamaged(FindingKind::kMalformedLine, place,
               absl::EndsWith(line.text, "\r")
                   ? "the line ends with CR LF, and so was changed: copy the file as it is"
                   : "the line is no record: it was changed or inserted");
    return;
  }
  Place at = place;
  at.sequence = start->sequence;
  const HexDigest sha256 = hasher_.Hash(line.text);
  if (file_begins_) checkpoints_.BeginFile();
  file_begins_ = false;
  chain_.AddRecord(*start, sha256, at);
  checkpoints_.AddRecord(line.text, *start, sha256, at);
  anchors_.AddRecord(*start, sha256, at);
  ++report_.records;
  if (!report_.first) {
    report_.first = {start->sequence, std::string(ViewOf(sha256)),
                     ParseLineTime(start->time).value_or(absl::InfinitePast())};
    report_.last.emplace();
  }
  report_.last->sequence = start->sequence;
  report_.last->sha256.assign(sha256.data(), sha256.size());
  last_time_.assign(start->time.data(), start->time.size());
}

void Verifier::AddDamaged(FindingKind kind, const Place& place, std::string message) {
  findings_.Fail(kind, place, std::move(message));
  chain_.AddDamagedLine();
}

void Verifier::AddUnfinished(const LineReader::Line& line, const Place& place, bool is_last) {
  // The record that comes next, as far as it is there.
  const std::string begin = absl::StrCat(R"({"sequence":)", chain_.next_sequence(), ",");
  if (!absl::StartsWith(line.text, begin) && !absl::StartsWith(begin, line.text)) {
    AddDamaged(FindingKind::kMalformedLine, place,
               "what stands behind the last record is none, and has no line end");
    return;
  }
  std::string message = "the last record is not finished: it has no line end";
  if (is_last) {
    findings_.Warn(FindingKind::kUnfinishedLine, place,
                   absl::StrCat(message, ", being written now or since a crash"));
  } else {
    findings_.Fail(FindingKind::kUnfinishedLine, place,
                   absl::StrCat(message, "; the file's end was cut off"));
    chain_.AddDamagedLine();
  }
}

VerifyReport Verifier::Finish() {
  anchors_.Finish();
  if (report_.last) {
    report_.last->time = ParseLineTime(last_time_).value_or(absl::InfinitePast());
    checkpoints_.Finish(*report_.last);
  } else {
    findings_.Fail(FindingKind::kNothingVouchedFor, Place{}, "the files hold no record at all");
  }
  report_.checkpoints = checkpoints_.count();
  report_.vouched = checkpoints_.vouched();
  if (report_.last) {
    const uint64_t vouched = report_.vouched ? report_.vouched->sequence : 0;
    const uint64_t before = std::max(vouched, report_.first->sequence - 1);
    report_.unvouched_records =
        report_.last->sequence > before ? report_.last->sequence - before : 0;
  }
  report_.failures = findings_.failures();
  report_.warnings = findings_.warnings();
  report_.findings = findings_.Take();
  return std::move(report_);
}

}  // namespace

absl::StatusOr<VerifyReport> VerifyAuditFiles(const std::vector<std::string>& paths,
                                              const CheckpointKeys& keys,
                                              const VerifyOptions& options) {
  const absl::Time start = absl::Now();
  ASSIGN_OR_RETURN(std::vector<AuditFile> files, OpenAuditFiles(paths));
  Verifier verifier(keys, options);
  for (AuditFile& file : files) {
    RETURN_IF_ERROR(verifier.AddFile(file.path, std::move(file.fd), &file == &files.back()));
  }
  VerifyReport report = verifier.Finish();
  report.elapsed = absl::Now() - start;
  return report;
}

}  // namespace keyward::signer
