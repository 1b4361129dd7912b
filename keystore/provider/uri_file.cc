#include "keystore/provider/uri_file.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>

#include <memory>

#include "common/openssl.h"

namespace {

constexpr absl::string_view kVersion = "PKCS#11 Provider URI v1.0";

// Of OpenSSL's macros below, which want plain names in the global namespace.
struct KEYWARD_URI_FILE {
  ASN1_VISIBLESTRING* version;
  ASN1_UTF8STRING* uri;
};

ASN1_SEQUENCE(KEYWARD_URI_FILE) =
    {
        ASN1_SIMPLE(KEYWARD_URI_FILE, version, ASN1_VISIBLESTRING),
        ASN1_SIMPLE(KEYWARD_URI_FILE, uri, ASN1_UTF8STRING),
} static_ASN1_SEQUENCE_END(KEYWARD_URI_FILE)

        void Free(KEYWARD_URI_FILE * file) {
  if (file->uri != nullptr) OPENSSL_cleanse(file->uri->data, file->uri->length);
  ASN1_item_free(reinterpret_cast<ASN1_VALUE*>(file), ASN1_ITEM_rptr(KEYWARD_URI_FILE));
}

std::string Text(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

}  // namespace

namespace keyward::provider {

absl::StatusOr<std::string> UriFromDer(absl::string_view der) {
  const auto* data = reinterpret_cast<const unsigned char*>(der.data());
  ERR_set_mark();
  const std::unique_ptr<KEYWARD_URI_FILE, OpensslDeleter<&Free>> file(
      reinterpret_cast<KEYWARD_URI_FILE*>(ASN1_item_d2i(nullptr, &data,
                                                        static_cast<long>(der.size()),  // NOLINT
                                                        ASN1_ITEM_rptr(KEYWARD_URI_FILE))));
  ERR_pop_to_mark();
  if (file == nullptr || Text(file->version) != kVersion) {
    return absl::InvalidArgumentError("not a PKCS#11 Provider URI of version 1.0");
  }
  return Text(file->uri);
}

}  // namespace keyward::provider
