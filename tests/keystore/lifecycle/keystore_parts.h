// A registry, a pool of sessions and all else that a Keystore is made of.
#ifndef KEYWARD_TESTS_KEYSTORE_LIFECYCLE_KEYSTORE_PARTS_H_
#define KEYWARD_TESTS_KEYSTORE_LIFECYCLE_KEYSTORE_PARTS_H_

#include <memory>
#include <string>
#include <utility>

#include "keystore/lifecycle/keystore.h"
#include "keystore/registry/sqlite_registry.h"

namespace keyward {

struct KeystoreParts {
  // Opens the registry at `path`; aborts the test where it can't.
  KeystoreParts(const std::string& path, std::unique_ptr<pkcs11::SessionPool> sessions)
      : registry(*registry::OpenSqliteRegistry(path)),
        pool(std::move(sessions)),
        signing(*provider::SigningContext::New()) {}

  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<pkcs11::SessionPool> pool;
  std::unique_ptr<provider::SigningContext> signing;
  Turn turn;
  Keystore keystore{*registry, *pool, *signing, turn};
};

}  // namespace keyward

#endif  // KEYWARD_TESTS_KEYSTORE_LIFECYCLE_KEYSTORE_PARTS_H_
