// Reading the settings file of a daemon: what all of them have, and how a mistake is
// noted.
#ifndef KEYWARD_COMMON_SERVER_SETTINGS_READER_H_
#define KEYWARD_COMMON_SERVER_SETTINGS_READER_H_

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/server/connection_table.h"
#include "common/server/tls_files.h"
#include "common/yaml_reader.h"

namespace keyward::server {

struct MonitoringConfig {
  // "host:port" with port 0 for any that is free; empty for no monitoring. Of the
  // loopback interface, unless the file allows others.
  std::string listen;
};

// The line of each setting in its file by path ("tls.certificate"), for messages.
using SettingLines = std::map<std::string, int, std::less<>>;

// A mistake of the settings that is only seen in the files that they name: noted at the
// setting's line, or the first where it has none.
void AddSettingMistake(const SettingLines& lines, absl::string_view setting, absl::string_view what,
                       YamlMistakes& mistakes);

// Helps to read one document. Every function notes what is wrong and answers with an
// empty value or the one it was given, so that reading goes on and finds the next
// mistake. Not thread-safe.
class SettingsReader {
 public:
  // `file` is the path of the settings; relative paths in it are relative to its folder.
  explicit SettingsReader(const std::string& file);

  // For YamlReader's own constructor.
  YamlMistakes& mistakes() { return mistakes_; }
  const SettingLines& lines() const { return lines_; }

  // Remembers the line of what was found.
  std::optional<YamlReader> Note(std::optional<YamlReader> found);
  // A setting that must be there, with `what` as what is expected.
  std::optional<YamlReader> Require(const YamlReader& parent, absl::string_view key,
                                    absl::string_view what);
  // A mapping that must be there, or one that may.
  std::optional<YamlReader> Section(const YamlReader& parent, absl::string_view key,
                                    std::initializer_list<absl::string_view> keys);
  std::optional<YamlReader> OptionalSection(const YamlReader& parent, absl::string_view key,
                                            std::initializer_list<absl::string_view> keys);

  // The path of a file, made absolute or relative to the working directory.
  std::string Path(const YamlReader& parent, absl::string_view key);
  std::string OptionalPath(const YamlReader& parent, absl::string_view key);

  // `value` stays where the setting is absent.
  void ReadText(const YamlReader& parent, absl::string_view key, std::string& value);
  void ReadTexts(const YamlReader& parent, absl::string_view key, std::vector<std::string>& value);
  void ReadInteger(const YamlReader& parent, absl::string_view key, int min, int max, int& value);
  void ReadSeconds(const YamlReader& parent, absl::string_view key, int min, int max,
                   absl::Duration& value);
  bool ReadFlag(const YamlReader& parent, absl::string_view key);

  // Common to all daemons.
  std::string ReadListen(const YamlReader& parent);
  TlsFiles ReadTls(const YamlReader& root);
  MonitoringConfig ReadMonitoring(const YamlReader& root);
  // `connections` and `connections_per_address` of `limits`.
  void ReadConnectionLimits(const YamlReader& limits, ConnectionLimits& value);

 private:
  std::string Resolve(const std::optional<YamlReader>& found);

  YamlMistakes mistakes_;
  const std::filesystem::path folder_;
  SettingLines lines_;
};

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_SETTINGS_READER_H_
