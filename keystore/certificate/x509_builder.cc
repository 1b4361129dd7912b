#include "keystore/certificate/x509_builder.h"

#include "absl/strings/str_cat.h"

namespace keyward {
namespace {

constexpr size_t kMaxShownNameBytes = 200;

}  // namespace

absl::StatusOr<ExtensionPtr> MakeExtension(int nid, const char* value, X509* subject) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, subject, subject, nullptr, nullptr, 0);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  if (extension == nullptr) return OpensslError("cannot make an extension");
  return extension;
}

absl::Status AddNameEntry(X509_NAME* name, int nid, absl::string_view text) {
  if (X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
                                 reinterpret_cast<const uint8_t*>(text.data()),
                                 static_cast<int>(text.size()), -1, 0) != 1) {
    return OpensslError("cannot set the subject");
  }
  return absl::OkStatus();
}

std::string NameForPeople(const X509_NAME* name) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (out == nullptr || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return "";
  char* data = nullptr;
  const auto size = static_cast<size_t>(BIO_get_mem_data(out.get(), &data));
  const absl::string_view text(data, size);
  if (text.empty()) return "(no name)";
  if (text.size() <= kMaxShownNameBytes) return std::string(text);
  return absl::StrCat(text.substr(0, kMaxShownNameBytes), "...");
}

absl::StatusOr<EvpMdCtxPtr> NewSigningContext(EVP_PKEY& key, OSSL_LIB_CTX* library_context) {
  EvpMdCtxPtr context(EVP_MD_CTX_new());
  if (context == nullptr || EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", library_context,
                                                  nullptr, &key, nullptr) != 1) {
    return OpensslError("cannot sign with the key");
  }
  return context;
}

}  // namespace keyward
