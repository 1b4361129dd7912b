// `identity` of the daemons' settings: what a caller's certificate may identify it by.
#ifndef KEYWARD_SIGNER_IDENTITY_SETTINGS_H_
#define KEYWARD_SIGNER_IDENTITY_SETTINGS_H_

#include "common/server/settings_reader.h"
#include "common/yaml_reader.h"
#include "signer/caller_identity.h"

namespace keyward::signer {

// The section `identity` of `root`, all kinds where it is absent. Mistakes go to `reader`.
IdentityKinds ReadIdentityKinds(server::SettingsReader& reader, const YamlReader& root);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_IDENTITY_SETTINGS_H_
