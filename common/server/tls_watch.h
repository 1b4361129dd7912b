// Notices that the TLS files of a daemon were replaced.
#ifndef KEYWARD_COMMON_SERVER_TLS_WATCH_H_
#define KEYWARD_COMMON_SERVER_TLS_WATCH_H_

#include <memory>
#include <string>

#include "common/server/tls_files.h"

namespace keyward::server {

// Not thread-safe.
class TlsWatch {
 public:
  // `known` is what ReadTlsFiles() found last.
  TlsWatch(TlsFiles files, std::shared_ptr<const TlsSet> known);

  // Reads the files again. A set that is new and that passes ReadTlsFiles() is the answer, and
  // what the next reading is compared with; null where there is none. The log says so, and of files
  // that do not pass it says once what is wrong: as soon as two readings in a row have found the
  // same, for files that are replaced one after the other do not belong together for a moment.
  std::shared_ptr<const TlsSet> Poll();

 private:
  void NoteUnusable(const std::string& mistakes);

  const TlsFiles files_;
  std::shared_ptr<const TlsSet> known_;
  // What the last reading found wrong, and what the log has said; "" for nothing.
  std::string found_;
  std::string said_;
};

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_TLS_WATCH_H_
