#include "keystore/provider/refused_pins.h"

#include <map>
#include <set>

#include "common/mutex.h"
#include "common/openssl.h"

namespace keyward::provider {
namespace {

// What files held, by their paths.
using FileContents = std::map<std::string, std::set<Sha256Digest>>;

struct Refusals {
  Mutex mutex;
  // By token.
  std::map<std::string, FileContents> refused ABSL_GUARDED_BY(mutex);
  std::set<std::string> different ABSL_GUARDED_BY(mutex);
};

// Not kept when the provider is unloaded, or each time would leave some.
Refusals& TheRefusals() {
  static Refusals refusals;
  return refusals;
}

}  // namespace

bool MayTry(const std::string& token, const Pin& pin) {
  const MutexLock lock(&TheRefusals().mutex);
  const auto refused = TheRefusals().refused.find(token);
  if (refused == TheRefusals().refused.end()) return true;
  const auto file = refused->second.find(pin.source);
  return pin.is_file && file != refused->second.end() &&
         file->second.count(Sha256(pin.value.Expose())) == 0;
}

void RememberRefused(const std::string& token, const Pin& pin) {
  const MutexLock lock(&TheRefusals().mutex);
  FileContents& files = TheRefusals().refused[token];
  if (pin.is_file) files[pin.source].insert(Sha256(pin.value.Expose()));
}

bool MayCompare(const std::string& token, const Pin& pin) {
  const MutexLock lock(&TheRefusals().mutex);
  return !pin.from_uri || TheRefusals().different.count(token) == 0;
}

void RememberDifferent(const std::string& token) {
  const MutexLock lock(&TheRefusals().mutex);
  TheRefusals().different.insert(token);
}

}  // namespace keyward::provider
