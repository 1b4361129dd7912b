#include "signer/audit/set_aside.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "common/unique_fd.h"
#include "signer/audit/file_names.h"

namespace keyward::signer {
namespace {

// As LogTail reads at most.
constexpr size_t kMaxTornBytes = size_t{16} << 20;
// Crashes in a row, each of which tore the record that says so of the one before.
constexpr int kMaxCopies = 1000;

std::string NameOf(const std::string& path) { return std::filesystem::path(path).filename(); }

absl::Status WriteAndSync(const std::string& path, absl::string_view text) {
  const UniqueFd fd(
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, "open");
  while (!text.empty()) {
    const ssize_t count = write(fd.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return absl::ErrnoToStatus(errno, "write");
    text.remove_prefix(static_cast<size_t>(count));
  }
  return fsync(fd.get()) == 0 ? absl::OkStatus() : absl::ErrnoToStatus(errno, "fsync");
}

// A file with `text` and a name that no other text has, under the names of `sequence`.
absl::Status KeepTorn(const std::string& active, uint64_t sequence, absl::string_view text) {
  for (int copy = 1; copy <= kMaxCopies; ++copy) {
    const std::string path = TornFileName(active, sequence, copy);
    if (access(path.c_str(), F_OK) == 0) {
      // The same text: a crash came before the line was cut off.
      if (ReadFile(path, kMaxTornBytes).value_or("") == text) return SyncFolderOf(path);
      continue;
    }
    const std::string partial = absl::StrCat(path, kPartialSuffix);
    RETURN_IF_ERROR(Annotate(WriteAndSync(partial, text), partial));
    if (rename(partial.c_str(), path.c_str()) != 0) return absl::ErrnoToStatus(errno, path);
    return SyncFolderOf(path);
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "there are ", kMaxCopies, " files of torn records ", sequence, " beside it; move them away"));
}

// The number at the front of `line` as both forms of the log have it, 0 where it has none.
uint64_t NumberOf(absl::string_view line) {
  uint64_t sequence = 0;
  if (!absl::ConsumePrefix(&line, "{\"sequence\":")) return 0;
  return absl::SimpleAtoi(line.substr(0, line.find(',')), &sequence) ? sequence : 0;
}

absl::StatusOr<std::string> HexSha256OfFile(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, path);
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return OpensslError("SHA-256");
  }
  std::string block(size_t{1} << 16, '\0');
  for (;;) {
    const ssize_t count = read(fd.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return absl::ErrnoToStatus(errno, path);
    if (count == 0) break;
    if (EVP_DigestUpdate(context.get(), block.data(), static_cast<size_t>(count)) != 1) {
      return OpensslError("SHA-256");
    }
  }
  Sha256Digest digest;
  if (EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) {
    return OpensslError("SHA-256");
  }
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

}  // namespace

absl::Status SetAsideTorn(LogFile& file, const LogTail& tail, uint64_t sequence) {
  RETURN_IF_ERROR(KeepTorn(file.path(), sequence, tail.unfinished()));
  spdlog::warn("audit: {} ended in an unfinished record, from a crash; it was set aside",
               file.path());
  return file.CutOff(tail.unfinished_offset());
}

absl::StatusOr<std::vector<AuditRecord>> UnrecordedTornFiles(
    const std::string& active, const std::vector<const LogTail*>& tails, uint64_t last) {
  ASSIGN_OR_RETURN(const std::vector<NumberedFile> files, FindTornFiles(active));
  std::vector<AuditRecord> records;
  for (const NumberedFile& file : files) {
    // Recorded at the next start after it was set aside, as the very first records.
    if (file.sequence + kMaxCopies <= last) continue;
    const std::string member = absl::StrCat("\"file\":\"", NameOf(file.path), "\"");
    const bool recorded = std::any_of(tails.begin(), tails.end(), [&](const LogTail* tail) {
      return tail != nullptr &&
             std::any_of(tail->lines().begin(), tail->lines().end(),
                         [&](absl::string_view line) { return absl::StrContains(line, member); });
    });
    if (recorded) continue;
    ASSIGN_OR_RETURN(std::string sha256, HexSha256OfFile(file.path));
    records.push_back({.time = absl::Now(),
                       .method = kSetAsideTornRecordMethod,
                       .file = NameOf(file.path),
                       .file_sha256 = std::move(sha256)});
  }
  return records;
}

absl::StatusOr<bool> IsUnchained(const LogFile& file) {
  // More than a record of the chain needs up to `previous`.
  std::string start(64, '\0');
  const ssize_t count = pread(file.fd(), start.data(), start.size(), 0);
  if (count < 0) return absl::ErrnoToStatus(errno, "read");
  start.resize(static_cast<size_t>(count));
  absl::string_view rest = start;
  if (!absl::ConsumePrefix(&rest, "{\"sequence\":")) return false;
  const size_t end = rest.find_first_not_of("0123456789");
  // Where it breaks off before that, it is an unfinished line of either form.
  if (end == absl::string_view::npos || rest.find('\n') == absl::string_view::npos) {
    return end != absl::string_view::npos && start.size() == 64 &&
           !absl::StartsWith(rest.substr(end), ",\"previous\":\"");
  }
  return !absl::StartsWith(rest.substr(end), ",\"previous\":\"");
}

absl::Status SetAsideUnchained(LogFile& file) {
  std::string start(64, '\0');
  const ssize_t count = pread(file.fd(), start.data(), start.size(), 0);
  if (count < 0) return absl::ErrnoToStatus(errno, "read");
  const uint64_t first = NumberOf(absl::string_view(start.data(), static_cast<size_t>(count)));
  const std::string path = UnchainedFileName(file.path(), first);
  spdlog::warn("audit: {} is from before records were chained; it goes on as {}", file.path(),
               path);
  return file.Rename(path);
}

absl::StatusOr<AuditRecord> DescribeUnchained(const std::string& path, uint64_t* last) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LogTail> tail, LogTail::ReadFile(path));
  *last = 0;
  for (auto line = tail->lines().rbegin(); line != tail->lines().rend() && *last == 0; ++line) {
    if (nlohmann::json::accept(line->begin(), line->end())) *last = NumberOf(*line);
  }
  ASSIGN_OR_RETURN(std::string sha256, HexSha256OfFile(path));
  return AuditRecord{
      .detail = "the chain begins here; the records before are in the file named, without one",
      .file = NameOf(path),
      .file_sha256 = std::move(sha256)};
}

}  // namespace keyward::signer
