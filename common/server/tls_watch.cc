#include "common/server/tls_watch.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace keyward::server {

TlsWatch::TlsWatch(TlsFiles files, std::shared_ptr<const TlsSet> known)
    : files_(std::move(files)), known_(std::move(known)) {}

std::shared_ptr<const TlsSet> TlsWatch::Poll() {
  absl::StatusOr<std::shared_ptr<const TlsSet>> read = ReadTlsFiles(files_, known_);
  if (!read.ok()) {
    NoteUnusable(std::string(read.status().message()));
    return nullptr;
  }
  const bool was_unusable = !said_.empty();
  found_.clear();
  said_.clear();
  if (*read == known_) {
    if (was_unusable) spdlog::info("the TLS files are again the ones in use");
    return nullptr;
  }
  known_ = *std::move(read);
  spdlog::info("new connections use the new TLS files, whose certificate is valid until {}",
               absl::FormatTime(absl::RFC3339_sec, known_->not_after, absl::UTCTimeZone()));
  return known_;
}

void TlsWatch::NoteUnusable(const std::string& mistakes) {
  if (mistakes == found_ && mistakes != said_) {
    spdlog::error("the TLS files cannot be used, and those before them stay in use: {}", mistakes);
    said_ = mistakes;
  }
  found_ = mistakes;
}

}  // namespace keyward::server
