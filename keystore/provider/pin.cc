#include "keystore/provider/pin.h"

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/file.h"
#include "common/mutex.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "keystore/provider/provider_error.h"

namespace keyward::provider {
namespace {

constexpr size_t kMaxPinFileBytes = 4096;

struct Refusals {
  Mutex mutex;
  std::set<std::pair<std::string, Sha256Digest>> pins ABSL_GUARDED_BY(mutex);
};

// Not kept when the provider is unloaded, or each time would leave some.
Refusals& TheRefusals() {
  static Refusals refusals;
  return refusals;
}

// RFC 8089's file:/path and file:///path.
std::string PathOf(absl::string_view source) {
  if (absl::ConsumePrefix(&source, "file:") && absl::StartsWith(source, "//")) {
    source.remove_prefix(2);
  }
  return std::string(source);
}

absl::StatusOr<Pin> ReadPinFile(const std::string& path) {
  const absl::StatusOr<Secret> text = ReadSecretFile(path, kMaxPinFileBytes);
  if (!text.ok()) {
    return ProviderError(Reason::kPinUnreadable,
                         absl::StrCat("the PIN's file: ", text.status().message()), text.status());
  }
  // What an editor or echo leaves at the end is not part of the PIN.
  absl::string_view pin = text->Expose();
  while (!pin.empty() && (pin.back() == '\n' || pin.back() == '\r')) pin.remove_suffix(1);
  if (pin.empty()) {
    return ProviderError(Reason::kPinUnreadable,
                         absl::StrCat("the PIN's file ", path, " is empty"));
  }
  return Pin{Secret(std::string(pin)), path};
}

}  // namespace

absl::StatusOr<std::optional<Pin>> ReadPin(const pkcs11::ObjectUri& uri,
                                           const std::string& configured_source) {
  if (std::optional<Secret> value = uri.pin_value()) {
    return Pin{*std::move(value), "the URI's pin-value"};
  }
  const std::string path = uri.pin_source().value_or(PathOf(configured_source));
  if (path.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(Pin pin, ReadPinFile(path));
  return pin;
}

bool WasRefused(const std::string& token, const Secret& pin) {
  const MutexLock lock(&TheRefusals().mutex);
  return TheRefusals().pins.count({token, Sha256(pin.Expose())}) != 0;
}

void RememberRefused(const std::string& token, const Secret& pin) {
  const MutexLock lock(&TheRefusals().mutex);
  TheRefusals().pins.insert({token, Sha256(pin.Expose())});
}

}  // namespace keyward::provider
