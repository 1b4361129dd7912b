// Verification of a million records against SHA-256 of the same bytes, and what a record's
// line costs.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/openssl.h"
#include "signer/audit/audit_verifier.h"
#include "signer/audit/chain.h"
#include "signer/audit/line_hasher.h"
#include "signer/audit/line_reader.h"
#include "signer/audit_record.h"
#include "tests/signer/audit/log_builder.h"
#include "tests/testing/temp_dir.h"

namespace keyward {
namespace {

constexpr int kRecords = 1'000'000;
constexpr int kCheckpointRecords = 1000;

signer::AuditRecord SignRecord() {
  signer::AuditRecord record;
  record.time = absl::Now();
  record.identity = "spiffe://keyward.example/billing/invoices";
  record.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  record.method = "Sign";
  record.connection = "acme";
  record.key_version = 3;
  record.claims_sha256 = std::string(64, 'a');
  record.sub = "integration@acme.example";
  record.aud = "https://login.salesforce.com";
  record.exp = record.time + absl::Minutes(3);
  record.role = "billing-backend";
  return record;
}

double Seconds(absl::Time since) { return absl::ToDoubleSeconds(absl::Now() - since); }

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void OrDie(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "audit_bench: %s\n", what);
  std::exit(1);
}

// A log of one file with a checkpoint every 1,000 records, and the time a line took.
double WriteLog(const std::string& path, const testing::TestAuditKey& key) {
  FILE* out = std::fopen(path.c_str(), "w");
  OrDie(out != nullptr, "cannot write the log");
  signer::LineHasher hasher;
  signer::ChainLink last;
  absl::Duration making;
  for (int i = 0; i < kRecords; ++i) {
    signer::AuditRecord record = SignRecord();
    if (i == 0) record = {.time = absl::Now(), .method = "OpenFile"};
    if (i > 0 && i % kCheckpointRecords == 0) {
      signer::Checkpoint checkpoint{last, "2026-01-31T12:00:00.000000Z", 1, key.kid()};
      checkpoint.signature =
          absl::WebSafeBase64Escape(key.Sign(CheckpointStatement(last, checkpoint.time)));
      record = {.time = absl::Now(), .method = "Checkpoint"};
      record.checkpoint = checkpoint;
    }
    const absl::Time start = absl::Now();
    const std::string line = ToJsonLine(record, last.sequence + 1, last.sha256);
    const signer::HexDigest sha256 = hasher.Hash(line);
    making += absl::Now() - start;
    last = {last.sequence + 1, std::string(signer::ViewOf(sha256))};
    std::fprintf(out, "%s\n", line.c_str());
  }
  OrDie(std::fclose(out) == 0, "cannot write the log");
  return absl::ToDoubleSeconds(making) / kRecords;
}

// SHA-256 of the file in pieces of a record's length, which is what no verification can
// do without.
double HashPlainly(const std::string& path) {
  const absl::Time start = absl::Now();
  auto fd = signer::OpenForReading(path);
  OrDie(fd.ok(), "cannot read the log");
  signer::LineReader reader(path, *std::move(fd));
  signer::LineHasher hasher;
  unsigned char sum = 0;
  while (true) {
    const auto line = reader.Next();
    OrDie(line.ok(), "cannot read the log");
    if (line->kind == signer::LineReader::Kind::kEnd) break;
    sum ^= static_cast<unsigned char>(hasher.Hash(line->text)[0]);
  }
  // So that the compiler leaves it in.
  OrDie(sum != 255, "impossible");
  return Seconds(start);
}

int Main(int rounds) {
  const testing::TempDir dir;
  const std::string path = dir.File("audit.jsonl");
  const testing::TestAuditKey key(absl::Now() - absl::Hours(24 * 365));
  const double making = WriteLog(path, key);
  signer::CheckpointKeys keys;
  OrDie(keys.AddPem(key.certificate_pem()).ok(), "no certificate");
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  std::vector<double> verifying;
  std::vector<double> hashing;
  std::vector<double> ratios;
  double bytes = 0;
  for (int i = 0; i < rounds; ++i) {
    hashing.push_back(HashPlainly(path));
    const auto report = signer::VerifyAuditFiles({path}, keys, {});
    OrDie(report.ok() && report->ok() && report->records == kRecords, "the log is not whole");
    verifying.push_back(absl::ToDoubleSeconds(report->elapsed));
    bytes = static_cast<double>(report->bytes);
    ratios.push_back(verifying.back() / hashing.back());
  }
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  const double median = Median(verifying);
  std::printf("verification of %d records, %.0f MB, medians of %d rounds\n", kRecords, bytes / 1e6,
              rounds);
  std::printf("  verified          %10.0f records/s %8.0f MB/s\n", kRecords / median,
              bytes / 1e6 / median);
  std::printf("  SHA-256 by line   %10.0f records/s %8.0f MB/s\n", kRecords / Median(hashing),
              bytes / 1e6 / Median(hashing));
  std::printf("  ratio of times    %10.2f\n", Median(ratios));
  std::printf("  memory more       %10.1f MiB, at most %.1f MiB in all\n",
              static_cast<double>(after.ru_maxrss - before.ru_maxrss) / 1024,
              static_cast<double>(after.ru_maxrss) / 1024);
  std::printf("a record's line with its hash  %.2f us\n", making * 1e6);
  return 0;
}

}  // namespace
}  // namespace keyward

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  return keyward::Main(rounds > 0 ? rounds : 5);
}
