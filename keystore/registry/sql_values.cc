#include "keystore/registry/sql_values.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::registry {
namespace {

template <typename T>
using Word = std::pair<T, absl::string_view>;

constexpr std::array<Word<Environment>, 3> kEnvironments = {{
    {Environment::kProduction, "PRODUCTION"},
    {Environment::kSandbox, "SANDBOX"},
    {Environment::kCustom, "CUSTOM"},
}};

constexpr std::array<Word<VersionState>, 7> kStates = {{
    {VersionState::kGenerating, "GENERATING"},
    {VersionState::kPending, "PENDING"},
    {VersionState::kActive, "ACTIVE"},
    {VersionState::kRetiring, "RETIRING"},
    {VersionState::kDisabled, "DISABLED"},
    {VersionState::kDestroying, "DESTROYING"},
    {VersionState::kDestroyed, "DESTROYED"},
}};

constexpr std::array<Word<ApprovalState>, 4> kApprovalStates = {{
    {ApprovalState::kPending, "PENDING"},
    {ApprovalState::kApproved, "APPROVED"},
    {ApprovalState::kRefused, "REFUSED"},
    {ApprovalState::kUsed, "USED"},
}};

// The database's CHECK refuses the empty word of a value that is not listed.
template <typename T, size_t kSize>
std::string Encode(const std::array<Word<T>, kSize>& words, T value) {
  for (const auto& [known, word] : words) {
    if (known == value) return std::string(word);
  }
  return "";
}

template <typename T, size_t kSize>
absl::StatusOr<T> Decode(const std::array<Word<T>, kSize>& words, absl::string_view text) {
  for (const auto& [value, word] : words) {
    if (word == text) return value;
  }
  return RegistryCorrupt(absl::StrCat("unknown word \"", absl::Utf8SafeCHexEscape(text), "\""));
}

}  // namespace

absl::Status RegistryCorrupt(absl::string_view what) {
  return Error(absl::StatusCode::kDataLoss, "REGISTRY_CORRUPT",
               absl::StrCat("the registry is damaged: ", what,
                            "; stop keyward-signer and restore the newest backup"));
}

std::string EncodeEnvironment(Environment environment) {
  return Encode(kEnvironments, environment);
}

absl::StatusOr<Environment> DecodeEnvironment(absl::string_view word) {
  return Decode(kEnvironments, word);
}

std::string EncodeState(VersionState state) { return Encode(kStates, state); }

absl::StatusOr<VersionState> DecodeState(absl::string_view word) { return Decode(kStates, word); }

std::string EncodeList(const std::vector<std::string>& list) { return nlohmann::json(list).dump(); }

absl::StatusOr<std::vector<std::string>> DecodeList(const std::string& json) {
  std::vector<std::string> list;
  const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_array()) return RegistryCorrupt("a list is not a JSON array");
  for (const nlohmann::json& element : parsed) {
    const auto* text = element.get_ptr<const std::string*>();
    if (text == nullptr) return RegistryCorrupt("a list has an element that is not a string");
    list.push_back(*text);
  }
  return list;
}

std::string EncodeKeyId(absl::string_view key_id) { return absl::BytesToHexString(key_id); }

absl::StatusOr<std::string> DecodeKeyId(const std::string& hex) {
  std::string key_id = absl::HexStringToBytes(hex);
  if (key_id.empty() || EncodeKeyId(key_id) != hex) {
    return RegistryCorrupt("a key identifier is not hexadecimal");
  }
  return key_id;
}

std::string EncodeCertificate(absl::string_view der) { return absl::Base64Escape(der); }

absl::StatusOr<std::string> DecodeCertificate(const std::string& base64) {
  std::string der;
  if (!absl::Base64Unescape(base64, &der)) return RegistryCorrupt("a certificate is not base64");
  return der;
}

std::string EncodeChain(const std::vector<std::string>& chain) {
  std::vector<std::string> encoded;
  encoded.reserve(chain.size());
  for (const std::string& der : chain) encoded.push_back(EncodeCertificate(der));
  return EncodeList(encoded);
}

absl::StatusOr<std::vector<std::string>> DecodeChain(const std::string& json) {
  ASSIGN_OR_RETURN(const std::vector<std::string> encoded, DecodeList(json));
  std::vector<std::string> chain;
  chain.reserve(encoded.size());
  for (const std::string& base64 : encoded) {
    ASSIGN_OR_RETURN(std::string der, DecodeCertificate(base64));
    if (der.empty()) return RegistryCorrupt("a chain has an empty certificate");
    chain.push_back(std::move(der));
  }
  return chain;
}

absl::Time NowAsStored() { return absl::FromUnixMicros(absl::ToUnixMicros(absl::Now())); }

std::string EncodeApprovalState(ApprovalState state) { return Encode(kApprovalStates, state); }

absl::StatusOr<ApprovalState> DecodeApprovalState(absl::string_view word) {
  return Decode(kApprovalStates, word);
}

bool IsSqlText(const std::string& text) {
  if (text.find('\0') != std::string::npos) return false;
  try {
    static_cast<void>(nlohmann::json(text).dump());  // throws where it is not UTF-8
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

}  // namespace keyward::registry
