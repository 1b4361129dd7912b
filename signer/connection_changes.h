// What a change of a connection comes to: for the policy, which may want a second person
// for it, and for the audit log.
#ifndef KEYWARD_SIGNER_CONNECTION_CHANGES_H_
#define KEYWARD_SIGNER_CONNECTION_CHANGES_H_

#include <string>
#include <vector>

#include "keystore/registry/registry.h"
#include "signer/policy_terms.h"

namespace keyward::signer {

// Two JSON objects in ASCII with the same members.
struct BeforeAndAfter {
  std::string before;
  std::string after;
};

// The settings in which they differ, named as the API names them; "{}" twice for none.
BeforeAndAfter DifferenceOf(const registry::ConnectionSettings& before,
                            const registry::ConnectionSettings& after);

// All settings of a connection, as one such object.
std::string SettingsJson(const registry::ConnectionSettings& settings);

// What of it may need a second person. The order of audiences is none, nor is a subject
// or a pattern that is taken away: who could sign before can, and for no more.
std::vector<Change> ChangesOf(const registry::ConnectionSettings& before,
                              const registry::ConnectionSettings& after);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_CONNECTION_CHANGES_H_
