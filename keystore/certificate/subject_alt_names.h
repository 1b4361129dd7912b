// Subject alternative names (RFC 5280 section 4.2.1.6) from text.
#ifndef KEYWARD_KEYSTORE_CERTIFICATE_SUBJECT_ALT_NAMES_H_
#define KEYWARD_KEYSTORE_CERTIFICATE_SUBJECT_ALT_NAMES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "keystore/certificate/x509_builder.h"

namespace keyward {

// Of all kinds together.
inline constexpr size_t kMaxSubjectAltNames = 100;

struct SubjectAltNames {
  // Host names; the leftmost label may be "*".
  std::vector<std::string> dns;
  // local@host, the local part a dot-atom (RFC 5322 section 3.2.3).
  std::vector<std::string> email;
  // Absolute URIs (RFC 3986), at most 2048 bytes.
  std::vector<std::string> uri;
  // IPv4 in four decimals, or IPv6 in a form of RFC 4291 section 2.2.
  std::vector<std::string> ip;

  bool empty() const { return dns.empty() && email.empty() && uri.empty() && ip.empty(); }
};

// The extension subjectAltName with these names, DNS names first, in their order.
// Each becomes exactly one GeneralName. `names` is not empty; `critical` where the
// subject is (section 4.1.2.6).
// INVALID_ARGUMENT CSR_SAN_INVALID, naming the one that is not what it should be.
absl::StatusOr<ExtensionPtr> MakeSubjectAltNames(const SubjectAltNames& names, bool critical);

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_CERTIFICATE_SUBJECT_ALT_NAMES_H_
