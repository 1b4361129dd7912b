#include "tests/client/https/fake_names.h"

#include <dlfcn.h>
#include <netdb.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "common/mutex.h"

namespace keyward::testing {
namespace {

struct Name {
  std::vector<std::string> addresses;
  absl::Notification* release = nullptr;
};

struct Names {
  Mutex mutex;
  std::map<std::string, Name> by_name ABSL_GUARDED_BY(mutex);
  std::map<std::string, int> looked_up ABSL_GUARDED_BY(mutex);
};

// Never destroyed: a look-up may end after main().
Names& AllNames() {
  static auto& names = *std::make_unique<Names>().release();
  return names;
}

void Set(const std::string& name, const Name& meaning) {
  const MutexLock lock(&AllNames().mutex);
  AllNames().by_name[name] = meaning;
}

std::optional<Name> Find(const char* name) {
  const MutexLock lock(&AllNames().mutex);
  const auto found = AllNames().by_name.find(name == nullptr ? "" : name);
  if (found == AllNames().by_name.end()) return std::nullopt;
  return found->second;
}

using GetAddrInfo = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

// Appends the list of each address to that of the one before it.
int Resolve(GetAddrInfo real, const Name& name, const char* service, const addrinfo* hints,
            addrinfo** result) {
  addrinfo numeric = *hints;
  numeric.ai_flags |= AI_NUMERICHOST;
  numeric.ai_family = AF_UNSPEC;
  addrinfo** end = result;
  *result = nullptr;
  for (const std::string& address : name.addresses) {
    if (real(address.c_str(), service, &numeric, end) != 0) std::abort();
    while (*end != nullptr) end = &(*end)->ai_next;
  }
  return *result == nullptr ? EAI_NONAME : 0;
}

}  // namespace

void SetAddresses(const std::string& name, const std::vector<std::string>& addresses) {
  Set(name, {addresses});
}

void SetUnknown(const std::string& name) { Set(name, {}); }

void SetSlow(const std::string& name, absl::Notification* release) { Set(name, {{}, release}); }

int LookUpsOf(const std::string& name) {
  const MutexLock lock(&AllNames().mutex);
  return AllNames().looked_up[name];
}

}  // namespace keyward::testing

// In place of the C library's, which it calls.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  using namespace keyward::testing;  // NOLINT(google-build-using-namespace)
  static const auto real = reinterpret_cast<GetAddrInfo>(dlsym(RTLD_NEXT, "getaddrinfo"));
  const std::optional<Name> name = Find(node);
  if (!name) return real(node, service, hints, result);
  if (name->release != nullptr) name->release->WaitForNotification();
  const int code = Resolve(real, *name, service, hints, result);
  const keyward::MutexLock lock(&AllNames().mutex);
  ++AllNames().looked_up[node];
  return code;
}
