// What certificates and certificate signing requests are built from alike.
#ifndef KEYWARD_KEYSTORE_CERTIFICATE_X509_BUILDER_H_
#define KEYWARD_KEYSTORE_CERTIFICATE_X509_BUILDER_H_

#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/openssl.h"

namespace keyward {

using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslDeleter<&X509_EXTENSION_free>>;

// An extension from `value` in the language of x509v3_config(5): a literal, as text
// from outside could say more in it than its one value. `subject` is the
// certificate that it is for, where the extension depends on it.
absl::StatusOr<ExtensionPtr> MakeExtension(int nid, const char* value, X509* subject = nullptr);

// Adds an attribute to a distinguished name (RFC 5280 section 4.1.2.4). `text` is
// UTF-8; OpenSSL enforces the lengths of appendix A.1 and the alphabet.
absl::Status AddNameEntry(X509_NAME* name, int nid, absl::string_view text);

// `name` for messages, in the form of RFC 2253, with everything but printable ASCII
// escaped and cut off where it is very long. "(no name)" for an empty one.
std::string NameForPeople(const X509_NAME* name);

// A context that signs once, with SHA-256 and, for RSA, PKCS#1 v1.5. `key` has a
// private operation in `library_context` (null: the default one).
absl::StatusOr<EvpMdCtxPtr> NewSigningContext(EVP_PKEY& key, OSSL_LIB_CTX* library_context);

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_CERTIFICATE_X509_BUILDER_H_
