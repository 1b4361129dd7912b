#include "keystore/pkcs11/object_uri.h"

#include <openssl/crypto.h>
#include <p11-kit/uri.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "common/status_macros.h"

namespace keyward::pkcs11 {
namespace {

constexpr CK_BYTE kNoVersion = 0xff;

std::optional<std::string> BytesOf(const ParsedUri& uri, CK_ATTRIBUTE_TYPE type) {
  const CK_ATTRIBUTE* attribute = p11_kit_uri_get_attribute(uri.get(), type);
  if (attribute == nullptr) return std::nullopt;
  return std::string(static_cast<const char*>(attribute->pValue), attribute->ulValueLen);
}

// Attributes of RFC 7512 that no search here looks at. Leaving one out would find
// more than the URI means.
bool NamesSlotOrLibrary(const ParsedUri& uri) {
  const CK_SLOT_INFO* slot = p11_kit_uri_get_slot_info(uri.get());
  const CK_INFO* library = p11_kit_uri_get_module_info(uri.get());
  return p11_kit_uri_get_slot_id(uri.get()) != static_cast<CK_SLOT_ID>(-1) ||
         slot->slotDescription[0] != 0 || slot->manufacturerID[0] != 0 ||
         library->libraryDescription[0] != 0 || library->manufacturerID[0] != 0 ||
         library->libraryVersion.major != kNoVersion;
}

// A pin-source is a URI or a path (RFC 7512 section 2.4); "|command" is for
// programs that start others.
std::optional<std::string> PathOfPinSource(absl::string_view source) {
  if (absl::ConsumePrefix(&source, "file:") && absl::StartsWith(source, "//")) {
    source.remove_prefix(2);
  }
  if (!absl::StartsWith(source, "/") || absl::StartsWith(source, "//")) return std::nullopt;
  return std::string(source);
}

template <size_t kSize>
void CopyField(const CK_UTF8CHAR (&from)[kSize], CK_UTF8CHAR (&to)[kSize]) {
  const bool blank =
      std::all_of(std::begin(from), std::end(from), [](CK_UTF8CHAR c) { return c == ' '; });
  // p11-kit leaves a field out that begins with zero.
  if (!blank) std::copy(std::begin(from), std::end(from), to);
}

}  // namespace

ObjectUri::ObjectUri(ParsedUri uri) : uri_(std::move(uri)) {}

absl::StatusOr<ObjectUri> ObjectUri::Parse(const std::string& text) {
  ASSIGN_OR_RETURN(ParsedUri parsed,
                   ParseUri(text, "pkcs11:token=LABEL;object=LABEL;type=private"));
  ObjectUri uri(std::move(parsed));
  // The query first: it takes the PIN out of p11-kit's memory.
  const absl::Status query = uri.ReadQuery();
  RETURN_IF_ERROR(uri.ReadPath());
  RETURN_IF_ERROR(query);
  return uri;
}

absl::Status ObjectUri::ReadPath() {
  if (p11_kit_uri_any_unrecognized(uri_.get()) != 0 || NamesSlotOrLibrary(uri_)) {
    return absl::InvalidArgumentError(
        "the URI has an attribute that Keyward does not search by; use token, serial, "
        "manufacturer, model, object, id and type (private, public or cert)");
  }
  wanted_.label = BytesOf(uri_, CKA_LABEL);
  wanted_.id = BytesOf(uri_, CKA_ID);
  if (const CK_ATTRIBUTE* type = p11_kit_uri_get_attribute(uri_.get(), CKA_CLASS)) {
    CK_OBJECT_CLASS object_class = CKO_DATA;
    if (type->ulValueLen == sizeof(object_class)) {
      std::memcpy(&object_class, type->pValue, sizeof(object_class));
    }
    if (object_class != CKO_PRIVATE_KEY && object_class != CKO_PUBLIC_KEY &&
        object_class != CKO_CERTIFICATE) {
      return absl::InvalidArgumentError(
          "the URI names a type that Keyward does not use; type is private, public or cert");
    }
    wanted_.object_class = object_class;
  }
  return absl::OkStatus();
}

absl::Status ObjectUri::ReadQuery() {
  if (const char* pin = p11_kit_uri_get_pin_value(uri_.get())) {
    pin_value_.emplace(std::string(pin));
    // p11-kit would free it as it is.
    OPENSSL_cleanse(const_cast<char*>(pin), std::strlen(pin));
    p11_kit_uri_set_pin_value(uri_.get(), nullptr);
  }
  if (const char* source = p11_kit_uri_get_pin_source(uri_.get())) {
    if (pin_value_) {
      return absl::InvalidArgumentError("the URI has both pin-value and pin-source; give one");
    }
    pin_source_ = PathOfPinSource(source);
    if (!pin_source_) {
      return absl::InvalidArgumentError(
          "the URI's pin-source is no file; write pin-source=file:/absolute/path");
    }
  }
  if (p11_kit_uri_get_module_name(uri_.get()) != nullptr) {
    return absl::InvalidArgumentError(
        "the URI has module-name; give the module's file as module-path instead");
  }
  if (const char* path = p11_kit_uri_get_module_path(uri_.get())) {
    if (path[0] != '/') {
      return absl::InvalidArgumentError("the URI's module-path is not an absolute path");
    }
    module_path_ = path;
  }
  return absl::OkStatus();
}

bool ObjectUri::NamesToken() const { return pkcs11::NamesToken(uri_); }

bool ObjectUri::MatchesToken(const CK_TOKEN_INFO& token) const {
  return pkcs11::MatchesToken(uri_, token);
}

bool ObjectUri::NamesObject() const { return wanted_.label || wanted_.id || wanted_.object_class; }

std::optional<Secret> ObjectUri::pin_value() const {
  if (!pin_value_) return std::nullopt;
  return Secret(std::string(pin_value_->Expose()));
}

std::string FormatObjectUri(const CK_TOKEN_INFO& token, absl::string_view label,
                            absl::string_view key_id, CK_OBJECT_CLASS object_class) {
  const ParsedUri uri(p11_kit_uri_new());
  if (uri == nullptr) return "";
  CK_TOKEN_INFO* named = p11_kit_uri_get_token_info(uri.get());
  CopyField(token.label, named->label);
  CopyField(token.serialNumber, named->serialNumber);
  CopyField(token.manufacturerID, named->manufacturerID);
  CopyField(token.model, named->model);
  const auto set = [&uri](CK_ATTRIBUTE_TYPE type, const void* value, size_t size) {
    CK_ATTRIBUTE attribute = {type, const_cast<void*>(value), static_cast<CK_ULONG>(size)};
    if (size != 0) p11_kit_uri_set_attribute(uri.get(), &attribute);
  };
  set(CKA_CLASS, &object_class, sizeof(object_class));
  set(CKA_LABEL, label.data(), label.size());
  set(CKA_ID, key_id.data(), key_id.size());
  char* text = nullptr;
  if (p11_kit_uri_format(uri.get(), P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) != P11_KIT_URI_OK) {
    return "";
  }
  const std::unique_ptr<char, decltype(&std::free)> owned(text, &std::free);
  return text;
}

}  // namespace keyward::pkcs11
