// Second step of the signing path: who calls, read from the client certificate.
#ifndef KEYWARD_SIGNER_CALLER_IDENTITY_H_
#define KEYWARD_SIGNER_CALLER_IDENTITY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::signer {

// The names in a client certificate whose chain TLS has verified, as the bytes
// stand in it: URI and DNS subject alternative names (RFC 5280 section 4.2.1.6)
// and common names of the subject.
struct PeerCertificate {
  std::vector<std::string> uris;
  std::vector<std::string> dns_names;
  std::vector<std::string> common_names;
};

// The kinds of names that identify a caller: `identity.kinds` of the daemons' settings.
struct IdentityKinds {
  bool spiffe = true;
  bool dns = true;
  bool common_name = true;
};

// The kinds that `names` lists: "spiffe", "dns", "cn"; their order does not matter. The error is
// INVALID_ARGUMENT without a reason and says what is wrong: none, one twice, or an unknown one.
absl::StatusOr<IdentityKinds> ParseIdentityKinds(const std::vector<std::string>& names);
// The other way.
std::vector<std::string> NamesOf(const IdentityKinds& kinds);

// The identity that a certificate gives its holder: "spiffe://..." when it has a
// SPIFFE ID as its URI name, else "dns:..." in lower case, else "cn:...". URIs of
// other schemes do not count. The kind that decides must hold exactly one name,
// and two URIs of any scheme are refused (X509-SVID section 2), so that a
// certificate is never two callers. A name that decides and is malformed is
// refused; the next kind is not tried.
//
// A kind that is not among `kinds` is passed over as if the certificate had none of it.
// But one with a SPIFFE ID is refused then: no caller gets a weaker name than it has.
//
// Depends on the certificate alone, so that a caller may keep the answer. Thread-safe.
//
// Errors: UNAUTHENTICATED CLIENT_IDENTITY_INVALID.
absl::StatusOr<std::string> CallerIdentity(const PeerCertificate& certificate,
                                           const IdentityKinds& kinds = {});

// Whether `uri` is a SPIFFE ID of a workload (SPIFFE-ID sections 2.1 to 2.4): at
// most 2048 bytes, lower-case scheme, a trust domain of [a-z0-9._-], and a path
// of at least one segment of [A-Za-z0-9._-], none of them empty, "." or "..".
// The error is INVALID_ARGUMENT without a reason and says what is wrong.
absl::Status CheckSpiffeId(absl::string_view uri);

// Whether `name` can be an identity: 1 to 255 bytes of UTF-8 without control
// characters. Errors as CheckSpiffeId().
absl::Status CheckCommonName(absl::string_view name);

// Whether `identity` is one that CallerIdentity() could write: "spiffe://...",
// "dns:..." in lower case or "cn:...". Errors as CheckSpiffeId().
absl::Status CheckIdentity(absl::string_view identity);

// Whether a call may say that it is made for `on_behalf_of`: an identity, or empty.
// INVALID_ARGUMENT ON_BEHALF_OF_INVALID.
absl::Status CheckOnBehalfOf(absl::string_view on_behalf_of);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_CALLER_IDENTITY_H_
