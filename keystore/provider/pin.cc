#include "keystore/provider/pin.h"

#include <openssl/crypto.h>
#include <sys/stat.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/secret_file.h"
#include "common/status_macros.h"
#include "keystore/provider/provider_error.h"

namespace keyward::provider {
namespace {

// RFC 8089's file:/path and file:///path.
std::string PathOf(absl::string_view source) {
  if (absl::ConsumePrefix(&source, "file:") && absl::StartsWith(source, "//")) {
    source.remove_prefix(2);
  }
  return std::string(source);
}

// A group may read it: a server's workers, which are not its owner, log in too.
absl::StatusOr<Pin> ReadPinFile(const std::string& path) {
  absl::StatusOr<Secret> pin = ReadSecretLine(path, S_IWGRP | S_IRWXO);
  absl::Status status = pin.status();
  if (pin.ok() && pin->empty()) status = absl::InvalidArgumentError("is empty");
  if (pin.ok() && pin->Expose().size() > kMaxSecretBytes) {
    status = absl::InvalidArgumentError("holds more than a PIN");
  }
  if (status.ok()) return Pin{.value = *std::move(pin), .source = path, .is_file = true};
  return ProviderError(Reason::kPinUnreadable,
                       absl::StrCat("the PIN's file ", path, ": ", status.message()), status);
}

}  // namespace

absl::StatusOr<std::optional<Pin>> ReadPin(const pkcs11::ObjectUri& uri,
                                           const std::string& configured_source) {
  if (std::optional<Secret> value = uri.pin_value()) {
    return Pin{.value = *std::move(value), .source = "the URI's pin-value", .from_uri = true};
  }
  const std::string path = uri.pin_source().value_or(PathOf(configured_source));
  if (path.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(Pin pin, ReadPinFile(path));
  pin.from_uri = uri.pin_source().has_value();
  return pin;
}

Pin Keep(const Pin& pin) {
  Pin kept{.source = pin.source, .is_file = pin.is_file, .from_uri = pin.from_uri};
  if (!pin.is_file) kept.value = Secret(std::string(pin.value.Expose()));
  return kept;
}

absl::StatusOr<Pin> Recall(const Pin& kept) {
  return kept.is_file ? ReadPinFile(kept.source) : Keep(kept);
}

bool SamePin(const Pin& one, const Pin& other) {
  const absl::string_view a = one.value.Expose();
  const absl::string_view b = other.value.Expose();
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace keyward::provider
