#include "signer/identity_settings.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace keyward::signer {

IdentityKinds ReadIdentityKinds(server::SettingsReader& reader, const YamlReader& root) {
  const std::optional<YamlReader> identity = reader.OptionalSection(root, "identity", {"kinds"});
  const std::optional<YamlReader> kinds =
      identity ? reader.Require(*identity, "kinds", "a list of spiffe, dns and cn") : std::nullopt;
  if (!kinds) return {};
  std::vector<std::string> names;
  reader.ReadTexts(*identity, "kinds", names);
  const absl::StatusOr<IdentityKinds> parsed = ParseIdentityKinds(names);
  if (parsed.ok()) return *parsed;
  kinds->Mistake(std::string(parsed.status().message()));
  return {};
}

}  // namespace keyward::signer
