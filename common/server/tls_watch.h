// Notices that the TLS files of a daemon were replaced.
#ifndef KEYWARD_COMMON_SERVER_TLS_WATCH_H_
#define KEYWARD_COMMON_SERVER_TLS_WATCH_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/server/tls_files.h"

namespace keyward::server {

// What became of files that had changed.
struct TlsReload {
  // OK where they are in use now. Else, mostly INVALID_ARGUMENT as ReadTlsFiles(), why those before
  // them stay.
  absl::Status status;
  // The set in use.
  std::shared_ptr<const TlsSet> set;
};

// Not thread-safe.
class TlsWatch {
 public:
  // Takes up a set; where it fails, the set counts as one with that mistake.
  using Use = std::function<absl::Status(const std::shared_ptr<const TlsSet>&)>;

  // `known` is what ReadTlsFiles() found last.
  TlsWatch(TlsFiles files, std::shared_ptr<const TlsSet> known, Use use);

  // Reads the files again. The answer is nothing unless there is news: a set that is new and
  // passes ReadTlsFiles(), is in use, and is what the next reading is compared with; or, once,
  // files that do not pass: as soon as two readings in a row have found the same, for files that
  // are replaced one after the other do not belong together for a moment; or, after that, that they
  // are again the ones in use. The log says it, too, and warns once a day of a CRL in use that ends
  // within one or has ended.
  std::optional<TlsReload> Poll();

 private:
  std::optional<TlsReload> NoteUnusable(const absl::Status& mistakes);
  void WarnOfCrl(absl::Time now);

  const TlsFiles files_;
  std::shared_ptr<const TlsSet> known_;
  const Use use_;
  // What the last reading found wrong, and what the log has said; "" for nothing.
  std::string found_;
  std::string said_;
  // When the log was last warned of the CRL in use.
  absl::Time warned_ = absl::InfinitePast();
};

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_TLS_WATCH_H_
