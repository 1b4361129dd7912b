#include "common/server/tls_watch.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace keyward::server {
namespace {

// How long before its end a CRL is warned about, and how often.
constexpr absl::Duration kCrlWarning = absl::Hours(24);

std::string Utc(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone());
}

}  // namespace

TlsWatch::TlsWatch(TlsFiles files, std::shared_ptr<const TlsSet> known, Use use)
    : files_(std::move(files)), known_(std::move(known)), use_(std::move(use)) {}

std::optional<TlsReload> TlsWatch::Poll() {
  absl::StatusOr<std::shared_ptr<const TlsSet>> read = ReadTlsFiles(files_, known_);
  const bool is_new = read.ok() && *read != known_;
  absl::Status status = read.status();
  // Before anybody is told that it is in use.
  if (is_new) status = use_(*read);
  if (!status.ok()) {
    WarnOfCrl(absl::Now());
    return NoteUnusable(status);
  }
  const bool was_unusable = !said_.empty();
  found_.clear();
  said_.clear();
  if (!is_new) {
    WarnOfCrl(absl::Now());
    if (!was_unusable) return std::nullopt;
    spdlog::info("the TLS files are again the ones in use");
    return TlsReload{.set = known_};
  }
  known_ = *std::move(read);
  spdlog::info("new connections use the new TLS files, whose certificate is valid until {}{}",
               Utc(known_->not_after),
               known_->client_crl.empty()
                   ? ""
                   : absl::StrCat(", and all connections the CRL, which ends at ",
                                  Utc(known_->client_crl_end)));
  warned_ = absl::InfinitePast();
  WarnOfCrl(absl::Now());
  return TlsReload{.set = known_};
}

std::optional<TlsReload> TlsWatch::NoteUnusable(const absl::Status& mistakes) {
  const bool is_news = mistakes.message() == found_ && mistakes.message() != said_;
  found_ = std::string(mistakes.message());
  if (!is_news) return std::nullopt;
  spdlog::error("the TLS files cannot be used, and those before them stay in use: {}", found_);
  said_ = found_;
  return TlsReload{.status = mistakes, .set = known_};
}

void TlsWatch::WarnOfCrl(absl::Time now) {
  const absl::Time end = known_->client_crl_end;
  const bool has_ended = now >= end;
  if (now < end - kCrlWarning) return;
  // Its end is said when it comes, however short before it the warning was.
  if (now < warned_ + kCrlWarning && !(has_ended && warned_ < end)) return;
  warned_ = now;
  if (has_ended) {
    spdlog::error(
        "a CRL of {} ended at {}: its authority's clients are refused until there is a "
        "new one",
        files_.client_crl, Utc(end));
  } else {
    spdlog::warn(
        "a CRL of {} ends at {}: from then on its authority's clients are refused; fetch "
        "the new one",
        files_.client_crl, Utc(end));
  }
}

}  // namespace keyward::server
