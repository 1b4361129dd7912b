#include "common/server/settings_reader.h"

#include <cstdint>

#include "common/loopback.h"
#include "common/server/listen_address.h"

namespace keyward::server {
namespace {

constexpr int kMaxConnections = 60000;

}  // namespace

void AddSettingMistake(const SettingLines& lines, absl::string_view setting, absl::string_view what,
                       YamlMistakes& mistakes) {
  const auto line = lines.find(setting);
  mistakes.Add(line == lines.end() ? 1 : line->second, setting, what);
}

SettingsReader::SettingsReader(const std::string& file)
    : mistakes_(file), folder_(std::filesystem::path(file).parent_path()) {}

std::optional<YamlReader> SettingsReader::Note(std::optional<YamlReader> found) {
  if (found) lines_[found->path()] = found->line();
  return found;
}

std::optional<YamlReader> SettingsReader::Require(const YamlReader& parent, absl::string_view key,
                                                  absl::string_view what) {
  return Note(parent.Require(key, what));
}

std::optional<YamlReader> SettingsReader::Section(const YamlReader& parent, absl::string_view key,
                                                  std::initializer_list<absl::string_view> keys) {
  std::optional<YamlReader> section = Require(parent, key, "a section of settings");
  if (section && !section->ReadMapping(keys)) return std::nullopt;
  return section;
}

std::optional<YamlReader> SettingsReader::OptionalSection(
    const YamlReader& parent, absl::string_view key,
    std::initializer_list<absl::string_view> keys) {
  std::optional<YamlReader> section = Note(parent.Find(key));
  if (section && !section->ReadMapping(keys)) return std::nullopt;
  return section;
}

std::string SettingsReader::Resolve(const std::optional<YamlReader>& found) {
  const std::optional<std::string> text = found ? found->Text() : std::nullopt;
  // An absolute path replaces the folder.
  return text ? (folder_ / *text).lexically_normal().string() : "";
}

std::string SettingsReader::Path(const YamlReader& parent, absl::string_view key) {
  return Resolve(Require(parent, key, "the path of a file"));
}

std::string SettingsReader::OptionalPath(const YamlReader& parent, absl::string_view key) {
  return Resolve(Note(parent.Find(key)));
}

void SettingsReader::ReadText(const YamlReader& parent, absl::string_view key, std::string& value) {
  if (const std::optional<YamlReader> found = Note(parent.Find(key))) {
    value = found->Text().value_or(value);
  }
}

void SettingsReader::ReadTexts(const YamlReader& parent, absl::string_view key,
                               std::vector<std::string>& value) {
  const std::optional<YamlReader> found = Note(parent.Find(key));
  if (!found) return;
  value.clear();
  for (const YamlReader& item : found->Items()) {
    if (std::optional<std::string> text = item.Text()) value.push_back(*std::move(text));
  }
}

void SettingsReader::ReadInteger(const YamlReader& parent, absl::string_view key, int min, int max,
                                 int& value) {
  if (const std::optional<YamlReader> found = Note(parent.Find(key))) {
    value = static_cast<int>(found->Integer(min, max).value_or(value));
  }
}

void SettingsReader::ReadSeconds(const YamlReader& parent, absl::string_view key, int min, int max,
                                 absl::Duration& value) {
  int seconds = static_cast<int>(absl::ToInt64Seconds(value));
  ReadInteger(parent, key, min, max, seconds);
  value = absl::Seconds(seconds);
}

bool SettingsReader::ReadFlag(const YamlReader& parent, absl::string_view key) {
  const std::optional<YamlReader> found = Note(parent.Find(key));
  return found && found->Boolean().value_or(false);
}

std::string SettingsReader::ReadListen(const YamlReader& parent) {
  const std::optional<YamlReader> listen = Require(parent, "listen", "HOST:PORT");
  const std::optional<std::string> text = listen ? listen->Text() : std::nullopt;
  if (!text) return "";
  const std::string wrong = WrongWithListen(*text);
  if (wrong.empty()) return *text;
  listen->Mistake(wrong);
  return "";
}

TlsFiles SettingsReader::ReadTls(const YamlReader& root) {
  const auto tls = Section(root, "tls", {"certificate", "private_key", "client_ca", "client_crl"});
  if (!tls) return {};
  return {.certificate = Path(*tls, "certificate"),
          .private_key = Path(*tls, "private_key"),
          .client_ca = Path(*tls, "client_ca"),
          .client_crl = OptionalPath(*tls, "client_crl")};
}

MonitoringConfig SettingsReader::ReadMonitoring(const YamlReader& root) {
  const auto monitoring = root.Find("monitoring");
  if (!monitoring || !monitoring->ReadMapping({"listen", "allow_remote"})) return {};
  const std::string listen = ReadListen(*monitoring);
  const bool allow_remote = ReadFlag(*monitoring, "allow_remote");
  if (!listen.empty() && !allow_remote && !IsLoopbackHost(HostOf(listen))) {
    monitoring->Find("listen")->Mistake(
        "must be a loopback address such as 127.0.0.1:9464, for nobody is authenticated there; "
        "others only with allow_remote: true");
  }
  return {.listen = listen};
}

void SettingsReader::ReadConnectionLimits(const YamlReader& limits, ConnectionLimits& value) {
  ReadInteger(limits, "connections", 10, kMaxConnections, value.connections);
  ReadInteger(limits, "connections_per_address", 1, kMaxConnections, value.connections_per_address);
}

}  // namespace keyward::server
