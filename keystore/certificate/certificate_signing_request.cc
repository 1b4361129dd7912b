#include "keystore/certificate/certificate_signing_request.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/utf8.h"

namespace keyward {
namespace {

using RequestPtr = std::unique_ptr<X509_REQ, OpensslDeleter<&X509_REQ_free>>;

void FreeExtensions(STACK_OF(X509_EXTENSION) * extensions) {
  sk_X509_EXTENSION_pop_free(extensions, &X509_EXTENSION_free);
}
using ExtensionsPtr = std::unique_ptr<STACK_OF(X509_EXTENSION), OpensslDeleter<&FreeExtensions>>;

struct Attribute {
  int nid;
  absl::string_view name;
  std::string CsrSubject::*value;
  size_t max_characters;
};

// In the order in which they stand in the name, the most general first.
constexpr std::array<Attribute, 6> kAttributes = {{
    {NID_countryName, "country", &CsrSubject::country, 2},
    {NID_stateOrProvinceName, "state", &CsrSubject::state, 128},
    {NID_localityName, "locality", &CsrSubject::locality, 128},
    {NID_organizationName, "organization", &CsrSubject::organization, 64},
    {NID_organizationalUnitName, "organizational unit", &CsrSubject::organizational_unit, 64},
    {NID_commonName, "common name", &CsrSubject::common_name, 64},
}};

absl::Status InvalidSubject(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, "CSR_SUBJECT_INVALID", message);
}

// Of well-formed UTF-8: all bytes but those that continue a character.
size_t CountCharacters(absl::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

bool IsCountry(absl::string_view text) {
  return text.size() == 2 && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalpha(static_cast<unsigned char>(c));
         });
}

absl::Status CheckAttribute(const Attribute& attribute, absl::string_view text) {
  if (attribute.nid == NID_countryName && !IsCountry(text)) {
    return InvalidSubject("the country is a code of two letters, as in \"US\"");
  }
  if (!IsValidUtf8(text) || HasControlCharacter(text)) {
    return InvalidSubject(absl::StrCat("the ", attribute.name,
                                       " of the subject is not UTF-8 without control characters"));
  }
  if (CountCharacters(text) > attribute.max_characters) {
    return InvalidSubject(absl::StrCat("the ", attribute.name, " of the subject has at most ",
                                       attribute.max_characters, " characters"));
  }
  return absl::OkStatus();
}

absl::Status SetSubject(const CsrSubject& subject, X509_NAME* name) {
  for (const Attribute& attribute : kAttributes) {
    std::string text = subject.*attribute.value;
    if (text.empty()) continue;
    RETURN_IF_ERROR(CheckAttribute(attribute, text));
    if (attribute.nid == NID_countryName) absl::AsciiStrToUpper(&text);
    RETURN_IF_ERROR(AddNameEntry(name, attribute.nid, text));
  }
  return absl::OkStatus();
}

absl::Status Push(STACK_OF(X509_EXTENSION) * extensions, ExtensionPtr extension) {
  if (sk_X509_EXTENSION_push(extensions, extension.get()) <= 0) {
    return OpensslError("cannot add an extension");
  }
  static_cast<void>(extension.release());  // the stack has it now
  return absl::OkStatus();
}

absl::Status AddExtensions(const SubjectAltNames& alternative_names, bool has_subject,
                           X509_REQ* request) {
  const ExtensionsPtr extensions(sk_X509_EXTENSION_new_null());
  if (extensions == nullptr) return OpensslError("cannot make extensions");
  ASSIGN_OR_RETURN(ExtensionPtr usage, MakeExtension(NID_key_usage, "critical,digitalSignature"));
  RETURN_IF_ERROR(Push(extensions.get(), std::move(usage)));
  if (!alternative_names.empty()) {
    ASSIGN_OR_RETURN(ExtensionPtr names, MakeSubjectAltNames(alternative_names, !has_subject));
    RETURN_IF_ERROR(Push(extensions.get(), std::move(names)));
  }
  if (X509_REQ_add_extensions(request, extensions.get()) == 1) return absl::OkStatus();
  return OpensslError("cannot add the extensions");
}

// Over the bytes that leave, in software, by the key that they hold.
absl::Status Verify(absl::string_view der) {
  const auto* begin = reinterpret_cast<const uint8_t*>(der.data());
  const RequestPtr request(
      d2i_X509_REQ(nullptr, &begin, static_cast<long>(der.size())));  // NOLINT(google-runtime-int)
  if (request == nullptr ||
      X509_REQ_verify(request.get(), X509_REQ_get0_pubkey(request.get())) != 1) {
    return OpensslError("the token's signature on the request does not verify");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> CreateCertificateRequest(const CsrSubject& subject,
                                                     const SubjectAltNames& alternative_names,
                                                     EVP_PKEY& key, OSSL_LIB_CTX* library_context) {
  const RequestPtr request(X509_REQ_new_ex(library_context, nullptr));
  if (request == nullptr || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), &key) != 1) {
    return OpensslError("cannot build the certificate signing request");
  }
  X509_NAME* name = X509_REQ_get_subject_name(request.get());
  RETURN_IF_ERROR(SetSubject(subject, name));
  const bool has_subject = X509_NAME_entry_count(name) > 0;
  if (!has_subject && alternative_names.empty()) {
    return InvalidSubject(
        "a request needs a subject, at least a common name, or alternative names");
  }
  RETURN_IF_ERROR(AddExtensions(alternative_names, has_subject, request.get()));
  ASSIGN_OR_RETURN(const EvpMdCtxPtr context, NewSigningContext(key, library_context));
  if (X509_REQ_sign_ctx(request.get(), context.get()) <= 0) {
    return OpensslError("the key does not sign the request");
  }
  ASSIGN_OR_RETURN(std::string der, EncodeDer<&i2d_X509_REQ>(request.get()));
  RETURN_IF_ERROR(Verify(der));
  return der;
}

}  // namespace keyward
