#include "common/server/client_crls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "common/utf8.h"

namespace keyward::server {
namespace {

// A passphrase callback that has none: OpenSSL would ask at the terminal.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return -1; }

// RFC 4514, for people.
std::string NameText(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, /*indent=*/0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return Shown(absl::string_view(text, static_cast<size_t>(size)));
}

bool IsIssuer(const X509& authority, const X509_CRL& crl) {
  return X509_NAME_cmp(X509_get_subject_name(&authority), X509_CRL_get_issuer(&crl)) == 0;
}

bool IsSignedBy(X509_CRL& crl, const X509& authority) {
  EVP_PKEY* const key = X509_get0_pubkey(&authority);
  const bool is_signed = key != nullptr && X509_CRL_verify(&crl, key) == 1;
  ForgetOpensslErrors();
  return is_signed;
}

absl::Status CheckCrl(X509_CRL& crl, const std::vector<X509Ptr>& authorities, absl::Time now) {
  const std::string of = absl::StrCat("its CRL of ", NameText(X509_CRL_get_issuer(&crl)));
  const auto mistake = [&of](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(of, " ", what));
  };
  if (X509_CRL_get_ext_by_NID(&crl, NID_delta_crl, -1) >= 0) {
    return mistake("is a delta CRL (RFC 5280 section 5.2.4): give complete ones");
  }
  // RFC 5280 section 5.1.2.5 requires it.
  if (X509_CRL_get0_nextUpdate(&crl) == nullptr) {
    return mistake("does not say when it ends (nextUpdate)");
  }
  time_t seconds = absl::ToTimeT(now);
  if (X509_cmp_time(X509_CRL_get0_lastUpdate(&crl), &seconds) > 0) {
    return mistake("is not valid yet: check it and the clock");
  }
  if (X509_cmp_time(X509_CRL_get0_nextUpdate(&crl), &seconds) <= 0) {
    return mistake("has expired: fetch the authority's new one");
  }
  bool has_issuer = false;
  for (const X509Ptr& authority : authorities) {
    if (!IsIssuer(*authority, crl)) continue;
    if (IsSignedBy(crl, *authority)) return absl::OkStatus();
    has_issuer = true;
  }
  if (!has_issuer) return absl::OkStatus();
  return mistake("is not signed by that authority of tls.client_ca: another one has its name");
}

// Whether clients can be verified by it: an expired one has none, and what is no authority is
// trusted for itself.
bool NeedsCrl(X509& authority, absl::Time now) {
  time_t seconds = absl::ToTimeT(now);
  return X509_check_ca(&authority) != 0 &&
         X509_cmp_time(X509_get0_notAfter(&authority), &seconds) > 0;
}

using KeyIdPtr = std::unique_ptr<AUTHORITY_KEYID, OpensslDeleter<&AUTHORITY_KEYID_free>>;

KeyIdPtr KeyIdOf(const X509_CRL& crl) {
  return KeyIdPtr(static_cast<AUTHORITY_KEYID*>(
      X509_CRL_get_ext_d2i(&crl, NID_authority_key_identifier, nullptr, nullptr)));
}

bool IsOfSameAuthority(const X509_CRL& a, const X509_CRL& b) {
  if (X509_NAME_cmp(X509_CRL_get_issuer(&a), X509_CRL_get_issuer(&b)) != 0) return false;
  const KeyIdPtr key_a = KeyIdOf(a);
  const KeyIdPtr key_b = KeyIdOf(b);
  return !key_a || !key_b || key_a->keyid == nullptr || key_b->keyid == nullptr ||
         ASN1_OCTET_STRING_cmp(key_a->keyid, key_b->keyid) == 0;
}

}  // namespace

absl::StatusOr<std::vector<X509CrlPtr>> ParsePemCrls(absl::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<X509CrlPtr> crls;
  ForgetOpensslErrors();
  while (X509_CRL* crl = PEM_read_bio_X509_CRL(bio.get(), nullptr, &NoPassphrase, nullptr)) {
    crls.emplace_back(crl);
  }
  // Reading ends with "no start line" at the end of a good text.
  const auto last_error = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(last_error) == ERR_LIB_PEM && ERR_GET_REASON(last_error) == PEM_R_NO_START_LINE;
  ForgetOpensslErrors();
  if (!at_end) {
    return absl::InvalidArgumentError(
        absl::StrCat("its PEM CRL number ", crls.size() + 1, " is malformed"));
  }
  if (crls.empty()) return absl::InvalidArgumentError("holds no PEM CRL");
  return crls;
}

absl::StatusOr<absl::Time> EarliestNextUpdate(const std::vector<X509CrlPtr>& crls) {
  absl::Time earliest = absl::InfiniteFuture();
  for (const X509CrlPtr& crl : crls) {
    ASSIGN_OR_RETURN(const absl::Time next_update, ToTime(X509_CRL_get0_nextUpdate(crl.get())));
    earliest = std::min(earliest, next_update);
  }
  return earliest;
}

absl::Status CheckCrls(const std::vector<X509CrlPtr>& crls, const std::vector<X509Ptr>& authorities,
                       absl::Time now) {
  for (const X509CrlPtr& crl : crls) RETURN_IF_ERROR(CheckCrl(*crl, authorities, now));
  for (const X509Ptr& authority : authorities) {
    const bool has_crl = absl::c_any_of(crls, [&](const X509CrlPtr& crl) {
      return IsIssuer(*authority, *crl) && IsSignedBy(*crl, *authority);
    });
    if (has_crl || !NeedsCrl(*authority, now)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("has no CRL of ", NameText(X509_get_subject_name(authority.get())),
                     ", an authority of tls.client_ca, so none of its clients could be served: "
                     "add it"));
  }
  return absl::OkStatus();
}

absl::Status CheckNotOlder(const std::vector<X509CrlPtr>& crls,
                           const std::vector<X509CrlPtr>& in_use) {
  for (const X509CrlPtr& former : in_use) {
    ASSIGN_OR_RETURN(const absl::Time used, ToTime(X509_CRL_get0_lastUpdate(former.get())));
    absl::Time newest = absl::InfinitePast();
    for (const X509CrlPtr& crl : crls) {
      if (!IsOfSameAuthority(*crl, *former)) continue;
      ASSIGN_OR_RETURN(const absl::Time issued, ToTime(X509_CRL_get0_lastUpdate(crl.get())));
      newest = std::max(newest, issued);
    }
    // Without any its authority's clients are refused.
    if (newest == absl::InfinitePast() || newest >= used) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("its CRL of ", NameText(X509_CRL_get_issuer(former.get())), " is of ",
                     absl::FormatTime(absl::RFC3339_sec, newest, absl::UTCTimeZone()),
                     " and older than the one in use, of ",
                     absl::FormatTime(absl::RFC3339_sec, used, absl::UTCTimeZone()),
                     ", so who was revoked since would be let in: fetch the authority's newest"));
  }
  return absl::OkStatus();
}

}  // namespace keyward::server
